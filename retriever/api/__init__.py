"""Sources with a JSON API: what one adapts to its API, and the retriever and source made of that."""
