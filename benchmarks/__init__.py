"""Measurements people can run; each writes the table it measures."""
