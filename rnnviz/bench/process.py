"""Worker processes, one per framework, and which frameworks an interpreter has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from rnnviz.bench.peers import PEERS
from rnnviz.errors import RnnvizError, UsageError
from rnnviz.messages import _

OURS = "rnnviz"
#: Ours with loops compiled by numba.
COMPILED = "rnnviz-compiled"

#: Seconds after which a worker that does not answer is killed: XLA may compile for a minute.
ANSWER_SECONDS = 900

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
_BENCH = Path(__file__).parent


class Worker:
    """A running worker; its stderr goes to a file, which explains a failure."""

    def __init__(self, name: str, python: str) -> None:
        self.name, self.seconds = name, 1.0  # per step, measured while warming up
        self.log: TextIO = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            _command(name, python), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            text=True, env=_environment(ours=name in (OURS, COMPILED)),
        )  # fmt: skip

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request; RnnvizError if the worker ended or does not answer."""
        assert self.process.stdin and self.process.stdout
        timer = threading.Timer(ANSWER_SECONDS, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise RnnvizError(
                _("{name} stopped: {line}").format(name=self.name, line=self._last_line())
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _last_line(self) -> str:
        self.process.wait()
        self.log.seek(0)
        lines = [line.strip() for line in self.log if line.strip()]
        return (
            lines[-1][:200] if lines else _("exit code {code}").format(code=self.process.returncode)
        )

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.log.close()


def _command(name: str, python: str) -> list[str]:
    if name in (OURS, COMPILED):
        return [sys.executable, "-c", _OUR_CODE, str(_BENCH.parents[1]), name]
    peer = PEERS[name]
    return [python, "-c", _PEER_CODE, str(_BENCH), peer.module, *peer.arguments]


#: The folder goes last in sys.path, so that it cannot hide packages of the interpreter.
_OUR_CODE = (
    "import sys; sys.path.append(sys.argv[1]); from rnnviz.bench.peers.worker import serve; "
    "from rnnviz.bench.rnnviz_net import RnnvizTrainer; "
    "serve(lambda job: RnnvizTrainer(job, compiled=sys.argv[2] == 'rnnviz-compiled'))"
)
_PEER_CODE = (
    "import sys; sys.path.append(sys.argv[1]); from importlib import import_module as load; "
    "build = load('peers.' + sys.argv[2]).build; "
    "load('peers.worker').serve(lambda job: build(job, *sys.argv[3:]))"
)


def _environment(*, ours: bool) -> dict[str, str]:
    """One BLAS thread for ours, as in every command; the peers' own choice for theirs."""
    env = {k: v for k, v in os.environ.items() if k not in _THREADS}
    if ours:
        return env | dict.fromkeys(_THREADS, "1")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    return env | quiet


def installed(python: str, names: Sequence[str]) -> list[str]:
    """The peers whose packages the interpreter has; UsageError if it does not run."""
    needs = sorted({module for name in names for module in PEERS[name].needs})
    code = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)])"
    try:
        done = subprocess.run(
            [python, "-c", code, *needs], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UsageError(
            _(
                "{python} does not run as a Python interpreter ({kind}).\n"
                "Name the one whose environment has the peers: --python PATH."
            ).format(python=python, kind=type(error).__name__)
        ) from error
    importable = set(done.stdout.split())
    return [name for name in names if importable.issuperset(PEERS[name].needs)]
