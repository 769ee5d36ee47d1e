"""evalkit's losses and graders inside other trainers."""
