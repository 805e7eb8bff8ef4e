"""Training runs and their directories.

``spec.json`` (recipe, model, fit, data files and hashes, seed, versions) · ``history.jsonl`` (a
line per epoch) · ``best.safetensors`` · ``last.safetensors`` (with the state of the optimizer and
the generator, to resume) · ``vocabulary.json`` or ``series.json`` · ``result.json`` when the run is
finished · ``snapshots/STEP.safetensors`` (the weights after so many updates). Files are replaced
atomically; complete lines are appended to the history.
"""

from __future__ import annotations

from rnnviz.lookup import find_run, run_directories, runs_folder
from rnnviz.runs.control import Control, Watch
from rnnviz.runs.directory import resume_command
from rnnviz.runs.export import export
from rnnviz.runs.options import Options
from rnnviz.runs.resume_run import resume
from rnnviz.runs.run import Run, trained_runs
from rnnviz.runs.setup import of_table, table_lines
from rnnviz.runs.snapshot_files import Snapshot
from rnnviz.runs.summary import RunSummary, read_summary
from rnnviz.runs.train_recipe import train
from rnnviz.runs.training_job import TrainingJob, run_job

__all__ = [
    "Control", "Options", "Run", "RunSummary", "Snapshot", "TrainingJob", "Watch",
    "export", "find_run", "of_table", "read_summary", "resume", "resume_command", "run_directories",
    "run_job", "runs_folder", "table_lines", "train", "trained_runs",
]  # fmt: skip
