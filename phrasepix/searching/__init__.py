"""How a search runs: tags are asked, candidates pool up, pictures are ranked, and ranked again."""
