"""What every test shares: one Hypothesis profile, a working ctrl+c, how many processes run them."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis.strategies import none
from kernels.emulated.build import CACHE_VARIABLE

from rnnviz import messages

# Time limits on single examples make tests fail on a busy machine, and find nothing. A change is
# judged by the same examples each time; whoever runs the tests by hand gets new ones.
settings.register_profile("rnnviz", deadline=None, derandomize="RNNVIZ_CI" in os.environ)
settings.load_profile("rnnviz")

# What a command computes with must not depend on what is installed beside it; and loops that are
# compiled anew for every test's own cache folder would take longer than the tests.
os.environ.setdefault("RNNVIZ_DEVICE", "cpu")

# An app in a terminal keeps the sentences that are typed.
os.environ["XDG_STATE_HOME"] = _state = tempfile.mkdtemp(prefix="rnnviz-state-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)

# Trainings that several tests, and both processes, use. The first process makes the folder.
if "RNNVIZ_TEST_RUNS" not in os.environ:
    os.environ["RNNVIZ_TEST_RUNS"] = _runs = tempfile.mkdtemp(prefix="rnnviz-runs-")
    atexit.register(shutil.rmtree, _runs, ignore_errors=True)

# Whoever starts the tests in the background has a shell that ignores ctrl+c, for them and for every
# process that they start; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def random_numbers_of_hypothesis() -> None:
    """Let Hypothesis register its generator before an app calls ``gc.freeze``.

    Hypothesis warns if the garbage collector finds no reference to it; frozen ones are not found.
    """

    @given(none())
    def draw_once(_: None) -> None:
        pass

    draw_once()


@pytest.fixture(autouse=True)
def messages_in_english() -> Iterator[None]:
    """A screen, or a command, sets the language of its whole process."""
    yield
    messages.set_language(messages.SOURCE_LANGUAGE)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in three processes if pytest-xdist is installed and the machine has two.

    Tests of screens wait for half of their time. A part of the suite, or what a marker selects,
    runs in one. ``-n 0`` switches this off.
    """
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    marked = any(arg.startswith("-m") for arg in config.invocation_params.args)
    single = config.option.usepdb or config.option.collectonly or hasattr(config, "workerinput")
    if not config.pluginmanager.hasplugin("xdist") or not whole or marked or single:
        return
    if config.option.numprocesses is None and (os.cpu_count() or 1) > 1:
        config.option.numprocesses = 3
        # Each begins with a third of the tests in a row, so that few fixtures are made twice.
        config.option.dist = "worksteal"
    if CACHE_VARIABLE not in os.environ:
        os.environ[CACHE_VARIABLE] = folder = tempfile.mkdtemp(prefix="rnnviz-emulated-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
