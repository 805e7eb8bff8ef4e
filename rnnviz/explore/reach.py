"""Answers what a layer's last state still feels of the earlier ones."""

from __future__ import annotations

from rnnviz.analysis.reach import Spectra, Spectrum, spectra
from rnnviz.query import Tracer


def answer(question: Spectrum, read: Tracer) -> Spectra:
    """The singular values of one block of tokens."""
    return spectra(read(question.query).layers[question.layer], question.block)
