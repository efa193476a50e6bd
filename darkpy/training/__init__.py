"""Training: schedules, optimisers, the loop, checkpoints and history."""
