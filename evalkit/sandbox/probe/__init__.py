"""Sent into a container as text, and run there: looks at what a program in the sandbox could do.

Standard library of the container's Python only. Each probe returns whether the property holds and
what it saw.
"""
