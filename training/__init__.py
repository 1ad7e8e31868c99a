"""How the built-in sample was made: drawn scenes, their wordings, the tiny CLIP trained on them, and its figures."""
