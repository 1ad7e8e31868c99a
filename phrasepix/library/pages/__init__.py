"""Pages that show a library as a whole: self-contained HTML, nothing loaded from anywhere, no script."""
