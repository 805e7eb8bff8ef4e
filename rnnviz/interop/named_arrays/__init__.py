"""Arrays that have only names and shapes: which layers they are, and how the layers follow.

State dicts of PyTorch, safetensors and ``.npz`` files are of this kind. The names of PyTorch
(:mod:`.torch_names`), Keras (:mod:`.keras_names`), this package (:mod:`.own_names`) and of nets
written by hand (:mod:`.gate_matrices`) are recognised; :mod:`.connections` joins layers whose
widths fit; :mod:`.net` does all of it.
"""
