"""Hydra finds its plug-ins below `hydra_plugins`; that folder itself belongs to nobody and has no `__init__.py`."""
