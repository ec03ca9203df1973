"""CONTRIBUTING.md's table names every room of the house, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "klaviyo_analytics"


def test_the_table_of_rooms_is_the_house() -> None:
    table = [
        line.split("|")[1]
        for line in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()
        if "| `" in line
    ]
    told = {name.rstrip("/") for cell in table for name in re.findall(r"`([^`]+)`", cell)}
    there = {path.name for path in HOUSE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert told == there - {"__init__.py"}
