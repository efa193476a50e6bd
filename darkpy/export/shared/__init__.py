"""Shared code of the converters; no file here converts a section of its own."""
