"""Days to click on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.widgets import DateRangePicker

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
