"""What README shows and the code knows."""
