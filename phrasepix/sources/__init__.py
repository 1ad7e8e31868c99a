"""The sources a search can name: the registry, whether each is ready, and those a finder holds open."""
