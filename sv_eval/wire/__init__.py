"""The messages that the service and its clients exchange, over HTTP, websocket and gRPC."""
