"""What every test shares: how hard hypothesis tries."""

from __future__ import annotations

import os

from hypothesis import settings

# a busy machine is no bug, so no example has a deadline
settings.register_profile("quick", max_examples=40, deadline=None)
settings.register_profile("thorough", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
