"""What several sections share; no file here handles a section of its own."""
