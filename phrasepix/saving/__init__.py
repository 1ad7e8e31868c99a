"""Saving matches with their credit: the files, CREDITS.md and credits.json beside them, and what was saved before."""
