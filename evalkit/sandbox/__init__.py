"""Runs model-written programs in locked-down Docker containers. What they print is data, never a verdict."""
