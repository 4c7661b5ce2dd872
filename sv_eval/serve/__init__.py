"""The HTTP and gRPC service in front of any backend."""
