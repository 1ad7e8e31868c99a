"""How results, sources and the cache are shown: gallery, terminal, columns, links, order in words."""
