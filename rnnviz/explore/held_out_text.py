"""The text that a net which writes was not trained on."""

from __future__ import annotations

from pathlib import Path

from rnnviz.data.folders import SAMPLE, require_folder
from rnnviz.data.plain_text import read_plain_text
from rnnviz.errors import UsageError
from rnnviz.messages import _
from rnnviz.model_files import StoredModel
from rnnviz.recipes.writing import held_out_names, held_out_plays


def held_out_text(stored: StoredModel) -> tuple[str, str]:
    """The name of the text and the text; UsageError where the user's file is not there any more."""
    given = (stored.record.get("options") or {}).get("table")
    if isinstance(given, dict) and given.get("write"):
        path = Path(str(stored.record.get("folder", ""))) / str(given.get("file", ""))
        if not path.is_file():
            raise UsageError(
                _("This reads the end of {file}, which is not in {folder}.").format(
                    file=path.name, folder=path.parent
                )
            )
        text = read_plain_text(path)
        share = given.get("validation", 0.1)
        return path.name, text[-max(1, round(len(text) * share)) :]
    folder = require_folder(SAMPLE)
    if stored.vocabulary.encoding.start is not None:
        return "names", held_out_names(folder)
    return "tiny_shakespeare", held_out_plays(folder)
