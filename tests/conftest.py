"""What every test shares: one Hypothesis profile, a working ctrl+c."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# Time limits on single examples make tests fail on a busy machine, and find nothing. A change is
# judged by the same examples each time; whoever runs the tests by hand gets new ones.
settings.register_profile("rnnviz", deadline=None, derandomize="RNNVIZ_CI" in os.environ)
settings.load_profile("rnnviz")

# What a command computes with must not depend on what is installed beside it; and loops that are
# compiled anew for every test's own cache folder would take longer than the tests.
os.environ.setdefault("RNNVIZ_DEVICE", "cpu")

# Whoever starts the tests in the background has a shell that ignores ctrl+c, for them and for every
# process that they start; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)
