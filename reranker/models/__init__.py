"""Models by their names, from weights to encoders run by torch."""
