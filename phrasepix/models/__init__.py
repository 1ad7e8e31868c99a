"""Models: which there are by name, and those that are loaded."""
