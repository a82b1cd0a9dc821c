"""Training: a dataset folder in, a finished model folder out."""
