"""A lesson or a trace as one HTML page, for paper and for a screen."""
