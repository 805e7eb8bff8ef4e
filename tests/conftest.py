"""What every test shares: one Hypothesis profile."""

from __future__ import annotations

import os

from hypothesis import settings

# Time limits on single examples make tests fail on a busy machine, and find nothing. A change is
# judged by the same examples each time; whoever runs the tests by hand gets new ones.
settings.register_profile("rnnviz", deadline=None, derandomize="RNNVIZ_CI" in os.environ)
settings.load_profile("rnnviz")

# What a command computes with must not depend on what is installed beside it; and loops that are
# compiled anew for every test's own cache folder would take longer than the tests.
os.environ.setdefault("RNNVIZ_DEVICE", "cpu")
