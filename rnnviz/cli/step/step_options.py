"""The command line of ``rnnviz step`` as one typed value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rnnviz.cli.step.toy_net_options import ToyNetOptions
from rnnviz.import_settings import ImportSettings

if TYPE_CHECKING:
    from rnnviz.tui.keymap import Keymap


@dataclass(frozen=True)
class StepOptions:
    """One field for each argument and option; None where it is not given."""

    # where the trace comes from
    words: tuple[str, ...]
    model: str | None
    model_is_explicit: bool  # from the command line, not from the environment or the config
    settings: ImportSettings  # of a file of another framework
    input_file: Path | None
    cell: str | None
    toy_net: ToyNetOptions
    target: str | None
    random: int | None  # seed
    data: str | None
    clamps: tuple[str, ...]
    state: Path | None  # of the states before the first token
    saved_trace: Path | None
    device: str
    # what it is compared with
    against: str | None
    compare: str | None
    # where it goes
    form: str | None  # "json", "jsonl", "csv" or "plain"
    save: Path | None
    save_state: Path | None
    screenshot: Path | None
    report: Path | None
    record: Path | None
    cast: Path | None
    quiet: bool
    # how it is shown
    at: int | None  # token, from 1
    unit: int | None
    view: str | None  # a page, or for a screenshot a panel
    size: str  # of a screenshot: "120x36"
    lang: str | None
    theme: str | None
    notation: str
    presenter: bool
    color: str
    keymap: Keymap

    @property
    def explicit_model(self) -> str | None:
        """The model of the command line; other options take the place of a default one."""
        return self.model if self.model_is_explicit else None

    @property
    def chooses_model(self) -> bool:
        """Whether no model was named, so that a text chooses among the default ones."""
        named = (self.model, self.cell, self.input_file, self.saved_trace)
        return all(each is None for each in named) and not (self.settings or self.toy_net)

    @property
    def draws(self) -> bool:
        """Whether the screen is written to a file."""
        return self.screenshot is not None or self.report is not None

    @property
    def saves(self) -> bool:
        """Whether the trace or its net is written to a file."""
        written = (self.save, self.save_state, self.toy_net.save_net)
        return any(path is not None for path in written)
