"""The reward server: the graders of `evalkit run` over HTTP, one pool for all requests."""
