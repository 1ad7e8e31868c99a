"""Ways of seeing, side by side: one picture as the question, asked of several encoders."""
