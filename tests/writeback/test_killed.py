"""A write that is killed again and again, over a good network and over a bad one, and goes on each time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from klaviyo_analytics.sandbox import Sandbox
from tests.writeback import writer

KILLS = 20
FAULTS: list[dict[str, Any]] = [  # each meets one request of thirty for as long as the write takes
    {"status": 429, "retry_after": 1},
    {"status": 500},
    {"drop": "before"},
    {"drop": "during"},
    {"drop": "after"},
    {"truncate": True},
]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("faults", [pytest.param([], id="good"), pytest.param(FAULTS, id="bad")])
def test_every_row_arrives_exactly_once_however_often_the_writer_is_killed(
    tmp_path: Path, faults: list[dict[str, Any]]
) -> None:
    with Sandbox(profiles=20, events=50, now=int(time.time())) as sandbox:
        struck = [
            sandbox.faults.add(times=None, every=30, skip=turn, **each) for turn, each in enumerate(faults)
        ]
        script = [sys.executable, writer.__file__, sandbox.direct_url, sandbox.api_key, str(tmp_path), "7"]
        done = subprocess.run([*script, str(KILLS)], capture_output=True, text=True, timeout=300, check=False)
        assert done.stdout.strip() == str(KILLS), done.stderr[-3000:]
        profiles = sandbox.account.records["profile"].values()
        arrived = [each.attributes["properties"].get("arrivals") for each in profiles]
    # each arrival was appended, so that a row that came twice would hold two
    assert sorted(one for one in arrived if one) == [[number] for number in range(writer.ROWS)]
    assert all(fault.hits for fault in struck)
