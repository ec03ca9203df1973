"""Days to click on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.widgets import DateRangePicker, DateRangeState

pytestmark = pytest.mark.usefixtures("no_widget_left")


def test_days_of_a_client_are_those_of_its_accounts_clock(
    client: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 02:00 in UTC is still the 30th of June in New York, where the shop is
    monkeypatch.setattr(client._context, "now", lambda: datetime(2026, 7, 1, 2, tzinfo=UTC))
    picker = DateRangePicker(client)
    picker.state.preset = "last month"
    assert str(picker.timeframe) == "2026-05-01 to 2026-05-31 (America/New_York)"
    picker.close()


@pytest.fixture
def picker() -> Iterator[DateRangePicker]:
    picker = DateRangePicker(DateRangeState("UTC", now=lambda: datetime(2026, 7, 1, tzinfo=UTC)))
    yield picker
    picker.close()


def test_fields_for_days_are_there_only_for_a_range_of_ones_own(picker: DateRangePicker) -> None:
    assert picker._first.layout.display == "none"
    assert "2026-04-02 to 2026-06-30" in picker._note.value
    picker._preset.value = "custom"
    assert picker._first.layout.display is None
    assert (picker._first.value, picker._last.value) == ("2026-04-02", "2026-06-30")


def test_days_are_typed_in_the_format_that_is_shown_everywhere(picker: DateRangePicker) -> None:
    picker._preset.value = "custom"
    picker._first.value = " 2026-06-01 "
    assert picker.state.first_day == date(2026, 6, 1)
    assert picker._first.value == "2026-06-01"


def test_what_is_not_a_day_stays_to_be_corrected_and_is_explained(picker: DateRangePicker) -> None:
    picker._preset.value = "custom"
    picker._last.value = "6/30/2026"
    assert picker.timeframe is None
    assert picker._last.value == "6/30/2026"
    assert "is not a day. Write it like 2026-06-30." in picker._note.value
    picker._last.value = "2026-06-30"
    assert picker.state.problem == ""
    assert "is not a day" not in picker._note.value


def test_enter_in_a_field_runs(picker: DateRangePicker) -> None:
    pressed: list[str] = []
    picker.on_enter = lambda: pressed.append("run")
    picker._first._handle_custom_msg({"event": "submit"}, [])
    assert pressed == ["run"]
