"""Networks: layers, planned and run."""
