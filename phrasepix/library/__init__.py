"""A library: a table of one's own pictures with their metadata and embeddings."""
