"""A write that is killed again and again, and goes on each time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.writeback import writer

KILLS = 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_every_row_arrives_exactly_once_however_often_the_writer_is_killed(tmp_path: Path) -> None:
    with Sandbox(profiles=20, events=50, now=int(time.time())) as sandbox:
        script = [sys.executable, writer.__file__, sandbox.direct_url, sandbox.api_key, str(tmp_path), "7"]
        done = subprocess.run([*script, str(KILLS)], capture_output=True, text=True, timeout=300, check=False)
        assert done.stdout.strip() == str(KILLS), done.stderr[-3000:]
        profiles = sandbox.account.records["profile"].values()
        arrived = [each.attributes["properties"].get("arrivals") for each in profiles]
    # each arrival was appended, so that a row that came twice would hold two
    assert sorted(one for one in arrived if one) == [[number] for number in range(writer.ROWS)]
