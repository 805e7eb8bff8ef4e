"""Training on an NVIDIA card: kernels written from the cells' lines, and what launches them."""
