"""Adapters: a linear layer learnt on embeddings of one's own pictures, over an encoder that stays as it is."""
