"""Earlier choices: the most used first, and of equally used ones the latest."""

from __future__ import annotations

from pathlib import Path

import pytest

from klaviyo_analytics.widgets import choices as options


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLAVIYO_ANALYTICS_HOME", str(tmp_path))


def test_the_most_used_come_first_and_ties_go_to_the_latest() -> None:
    for id in ("rare", "often", "middle", "often", "middle", "often", "tied", "tied"):
        options.remember("shop", "metric", [id])
    assert options.most_used("shop", "metric") == ["often", "tied", "middle", "rare"]
    assert options.last("shop", "metric") == "tied"


def test_accounts_and_kinds_are_apart() -> None:
    options.remember("shop", "metric", ["a"])
    assert options.most_used("other", "metric") == []
    assert options.most_used("shop", "campaign") == []
