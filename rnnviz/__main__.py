"""``python -m rnnviz`` and the ``rnnviz`` command."""

from __future__ import annotations

import os
import sys


def _quiet(kind: type[BaseException], error: BaseException, where: object) -> None:
    """Exit without a traceback on an uncaught KeyboardInterrupt."""
    if issubclass(kind, KeyboardInterrupt):
        os._exit(130)
    sys.__excepthook__(kind, error, error.__traceback__)


sys.excepthook = _quiet

from rnnviz import signals  # noqa: E402  (imports may be interrupted, too)

signals.end_at_once()


def main() -> None:
    """Run the command line and exit."""
    # The matrices of one sentence have a few kilobytes: BLAS threads would only wait for each
    # other. The variables are read when NumPy is imported.
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from rnnviz.window import forget_nonsense

    forget_nonsense()
    from rnnviz.cli import run

    signals.end_in_order()
    try:
        code = run()
    except KeyboardInterrupt:
        code = 130
    finally:
        signals.leave()
    sys.exit(code)


if __name__ == "__main__":
    main()
