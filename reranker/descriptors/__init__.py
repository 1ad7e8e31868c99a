"""Classical descriptions of a picture, without a network: local features, gradients, colours, a perceptual hash."""
