"""Answers questions about the Jacobians of a layer's final state."""

from __future__ import annotations

from rnnviz.analysis.reach import JacobianSpectra, SpectrumQuestion, spectra
from rnnviz.query import Tracer


def answer(question: SpectrumQuestion, tracer: Tracer) -> JacobianSpectra:
    """The singular values of one block of tokens."""
    return spectra(tracer(question.query).layers[question.layer], question.block)
