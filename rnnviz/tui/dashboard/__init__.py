"""The training dashboard: panels that draw the progress of one training."""
