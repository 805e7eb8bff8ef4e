"""The engine: layers over time, heads, losses, optimizers. Plain NumPy-protocol code."""
