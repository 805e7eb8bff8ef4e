"""The cost of a training step, beside whatever other frameworks are installed."""
