"""The cost of a training step, here and in other frameworks that are installed."""
