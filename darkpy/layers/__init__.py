"""Layers: one module per section type, each with its options, shapes, parameters and passes."""
