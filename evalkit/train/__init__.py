"""Training with verifiable rewards: losses and advantages as pure functions, algorithms as data.

torch is imported in this package only, and not by `algorithms`.
"""
