"""Adapting an encoder to pictures of one's own that lie in labelled folders."""
