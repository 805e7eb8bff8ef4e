"""Public model files that are not part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parent.parent.parent.parent / "shared" / "interop"


@pytest.fixture
def interop_folder() -> Path:
    """The folder of public models and their expected values; skips the test where it is absent.

    ``RNNVIZ_INTEROP`` names it, or it is ``../shared/interop`` beside the repository.
    """
    folder = Path(os.environ.get("RNNVIZ_INTEROP") or BESIDE)
    if not folder.is_dir():
        pytest.skip("RNNVIZ_INTEROP does not name a folder of public models")
    return folder
