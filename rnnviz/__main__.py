"""``python -m rnnviz`` and the ``rnnviz`` command."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; never return."""
    # One sentence makes products of a few kilobytes: BLAS threads only wait for each other, and
    # must be told so before numpy is imported.
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from rnnviz.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
