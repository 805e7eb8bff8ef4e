"""A run directory: what was trained, on what, how it went, and the weights.

``spec.json`` (recipe, model, fit, data files and hashes, seed, versions) · ``history.jsonl`` (a
line an epoch) · ``best.safetensors`` · ``last.safetensors`` (with all that is needed to go on) ·
``vocabulary.json`` or ``series.json`` · ``result.json`` when all is done. Every file is written by
temporary file and rename, except the history, to which whole lines are appended.
"""

from __future__ import annotations

from rnnviz.data.folders import resolve as data_path
from rnnviz.model_files.places import begun, find_run, runs_folder
from rnnviz.runs.export import export
from rnnviz.runs.options import Control, Options, Watch
from rnnviz.runs.resume_run import resume
from rnnviz.runs.run import Run, kept_epoch, runs
from rnnviz.runs.train_recipe import train

__all__ = [
    "Control", "Options", "Run", "Watch", "begun", "data_path", "export", "find_run", "kept_epoch",
    "resume", "runs", "runs_folder", "train",
]  # fmt: skip
