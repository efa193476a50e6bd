"""Training: the loop, evaluation, callbacks, checkpoints and history."""
