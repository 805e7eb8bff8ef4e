"""Nets written for other frameworks, without any of them.

:mod:`~rnnviz.interop.export.limits` says what the layers of each can say, ``targets`` writes files,
and the modules ``…_program`` write programs that rebuild a net and load its weights.
"""
