"""Code for compiled loops and CUDA kernels, written from the lines that the screen shows."""
