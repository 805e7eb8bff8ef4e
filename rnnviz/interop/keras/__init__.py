"""Readers for the files of Keras 1 to 3 and of TensorFlow.js.

HDF5 is read in a process of its own (:mod:`~rnnviz.interop.keras.hdf5_process`), since its library
crashes and hangs on damaged files. A configuration of any generation becomes a graph of layers
(:mod:`~rnnviz.interop.keras.topology`), its layers get their arrays from one of three ways to store
them (:mod:`~rnnviz.interop.keras.weight_stores`), and both together become operations
(:mod:`~rnnviz.interop.keras.operations`). Code in a file (Lambda, custom layers) is never run.
"""
