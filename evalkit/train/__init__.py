"""Training with verifiable rewards: losses as pure functions, algorithms as data, one loop.

torch is imported in this package only, and not by `algorithms`, `spec`, `loggers` and `claims`.
"""
