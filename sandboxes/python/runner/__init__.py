"""What runs inside a sandbox container: one supervisor (main.py), one fork server (zygote.py)."""
