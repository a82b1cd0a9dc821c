"""Volumes: read, brought to a model's grid and back, and their intensities."""
