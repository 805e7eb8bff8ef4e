"""Training: a generator of events, and the run directory it fills."""
