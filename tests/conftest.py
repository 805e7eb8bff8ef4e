"""What every test shares: one Hypothesis profile."""

from __future__ import annotations

from hypothesis import settings

# Time limits on single examples make tests fail on a busy machine, and find nothing.
settings.register_profile("rnnviz", deadline=None)
settings.load_profile("rnnviz")
