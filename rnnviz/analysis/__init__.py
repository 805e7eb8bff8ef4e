"""Analyses of traces: plain NumPy on recorded arrays, and the questions that pages ask.

A question is a small frozen dataclass that names a query and what to compute for it. Its answer is
a frozen dataclass too. Answers that need the engine are computed in ``rnnviz.explore``.
"""
