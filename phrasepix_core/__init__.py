"""Ground floor: what both stages and the joined tool share. Imports the standard library only."""

__version__ = "0.1.0"
