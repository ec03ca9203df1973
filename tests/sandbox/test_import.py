"""What a user meets first: the import, its example, and the error without the extra."""

from __future__ import annotations

import doctest
import subprocess
import sys

from klaviyo_analytics.sandbox import server

WITHOUT_WERKZEUG = """
import sys
sys.modules["werkzeug"] = None
try:
    import klaviyo_analytics.sandbox
except ImportError as error:
    print(error)
"""


def test_without_werkzeug_the_error_names_the_extra() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT_WERKZEUG], capture_output=True, text=True, check=True)
    assert "klaviyo-analytics[demo]" in ran.stdout


def test_the_example_works() -> None:
    assert doctest.testmod(server, raise_on_error=True).attempted > 0


def test_the_sandbox_does_not_know_the_client() -> None:
    script = "import sys, klaviyo_analytics.sandbox.server; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    ours = {name for name in loaded.split() if name.startswith("klaviyo_analytics.")}
    assert {name for name in ours if not name.startswith("klaviyo_analytics.sandbox")} == set()
