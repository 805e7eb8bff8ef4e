"""ONNX models: the file's messages, its graph traced with numbered elements, its recurrent nodes.

:mod:`~rnnviz.interop.onnx.wire` and ``messages`` parse the file within limits, ``tensor_data``
gives the arrays of its tensors. ``tracing`` walks the graph: it evaluates what is constant, and
follows everything else as arrays of element numbers, so that any chain of transpositions, reshapes
and slices between two layers is recognised by where the numbers end up. ``recurrent`` converts the
weights of LSTM, GRU and RNN nodes to this engine's layout.
"""
