"""Darknet networks on CPUs: read, run and train them, and call their kernels from NumPy."""
