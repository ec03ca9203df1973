"""The contact sheet."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.image import imread

from klaviyo_analytics import plots
from klaviyo_analytics.plots import gallery


@pytest.fixture
def _two_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing everything takes seconds, and once is enough."""
    two = dict(list(gallery.pictures().items())[1:3])
    monkeypatch.setattr(gallery, "pictures", lambda: two)


def test_every_plot_is_on_the_sheet() -> None:
    calls = " ".join(gallery.pictures())
    assert [name for name in plots.__all__ if name not in calls] == [
        "auto",
        "holidays",
        "style",
    ]  # auto chooses among the others, holidays are dates


def test_the_whole_sheet_is_drawn_and_leaves_no_figure() -> None:
    sheet = gallery.contact_sheet(dpi=30)
    assert sheet.shape[0] > sheet.shape[1] > 700
    assert sheet.std() > 10
    assert not plt.get_fignums()


@pytest.mark.usefixtures("_two_pictures")
def test_the_sheet_is_the_same_every_time() -> None:
    np.testing.assert_array_equal(gallery.contact_sheet(dpi=30), gallery.contact_sheet(dpi=30))


@pytest.mark.usefixtures("_two_pictures")
def test_the_command_writes_the_sheet_at_both_sizes(tmp_path: Path) -> None:
    gallery.main([str(tmp_path / "notebook.png"), "--dpi", "30"])
    gallery.main([str(tmp_path / "slide.png"), "--dpi", "30", "--slide"])
    notebook, slide = imread(tmp_path / "notebook.png"), imread(tmp_path / "slide.png")
    assert slide.shape[1] > 1.5 * notebook.shape[1]
