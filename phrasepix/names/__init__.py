"""Names that people teach: each stands for what its pictures share."""
