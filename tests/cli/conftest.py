"""What tests of commands share."""

from __future__ import annotations

import pytest

import rnnviz.model_files


@pytest.fixture
def one_shipped_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of models have one shipped model, which is soon read, for tests that print many."""
    one = {"jena-gru": rnnviz.model_files.shipped()["jena-gru"]}
    monkeypatch.setattr(rnnviz.model_files, "shipped", lambda: one)
