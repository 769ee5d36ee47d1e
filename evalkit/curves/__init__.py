"""The curves of training: read from training directories, averaged over seeds, drawn."""
