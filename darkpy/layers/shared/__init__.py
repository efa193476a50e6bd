"""Shared code of several sections; no file here handles a section of its own."""
