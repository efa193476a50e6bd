"""What the converters of several sections share; no file here converts a section of its own."""
