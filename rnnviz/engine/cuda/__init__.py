"""Training on NVIDIA GPUs: kernels generated from the cells' lines, and their launches."""
