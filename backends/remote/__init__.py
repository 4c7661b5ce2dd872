"""`backend=remote`: recognisers behind an endpoint, over HTTP, websocket and gRPC, each in its own dialect."""
