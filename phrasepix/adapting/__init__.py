"""Adapting an encoder to pictures of one's own: those in labelled folders, or those picked for projects."""
