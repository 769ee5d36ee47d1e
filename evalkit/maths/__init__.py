"""Answers to mathematical problems: found in a text, and compared with the gold answer."""
