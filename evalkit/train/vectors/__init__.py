"""Expected values in JSON, computed by other implementations, against ours."""
