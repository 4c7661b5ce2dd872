"""`backend=chat`: audio language models as emotion recognisers, each asked under a protocol that is told whole."""
