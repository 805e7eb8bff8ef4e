"""Model files of other frameworks: what is in them, gate by gate, and the nets that they hold.

A reader for each format gives a :class:`~rnnviz.interop.contents.ModelContents`: the tensors with
their roles, and the operations of the net with arrays in this engine's layout.
:func:`~rnnviz.interop.assembly.importable_nets` joins operations to nets that can be stepped
through. No framework is imported, and nothing in a file is run.
"""
