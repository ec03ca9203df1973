"""A table that is sorted and searched where the rows are, and hands over no more than it shows."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.widgets.tables import ROWS, TableState, TableView, in_reading_order, that_matter
from tests.widgets.conftest import saved

pytestmark = pytest.mark.usefixtures("no_widget_left")
SUMMARY = pd.DataFrame(
    {
        "campaign_id": ["c1", "c2", "c3"],
        "campaign": ["Spring", "Sale", "Äpfel"],
        "channel": ["email", "mobile_push", "sms"],
        "recipients": pd.array([1200, 40, None], dtype="Int64"),
        "delivered": pd.array([1100, 40, None], dtype="Int64"),
        "open_rate": [0.3123, None, 0.5],
        "conversion_value": [1234.5, 0.0, -3.0],
        "currency": "USD",
        "open_rate_denominator": pd.array([1100, 40, 1], dtype="Int64"),
        "complete": True,
    }
)


@pytest.fixture
def view() -> Iterator[TableView]:
    view = TableView(TableState(SUMMARY))
    yield view
    view.close()


def test_names_come_first_then_what_matters_and_ids_only_with_all_columns() -> None:
    assert that_matter(SUMMARY) == ["campaign", "channel", "recipients", "conversion_value", "open_rate"]
    every = in_reading_order(SUMMARY)
    assert every[0] == "campaign"
    assert every[-2:] == ["open_rate_denominator", "campaign_id"]
    assert set(every) == set(SUMMARY.columns)


def test_a_column_of_names_stands_for_its_ids() -> None:
    frame = pd.DataFrame({"datetime": [1], "flow": ["x1"], "flow_name": ["Welcome"], "count": [2]})
    assert that_matter(frame) == ["flow_name", "datetime", "count"]


def test_headings_are_words_and_cells_have_percent_currency_and_thousands(view: TableView) -> None:
    written = view._rows.value
    for said in ("Campaign", "Recipients", "Open rate", "Revenue", "1,200", "31.2%", "$1,234.50", "−$3.00"):
        assert f">{said}<" in written
    for said in ("Mobile push", "SMS", "Email"):
        assert f">{said}<" in written
    assert "conversion_value" not in written


def test_every_row_has_its_own_currency() -> None:
    frame = pd.DataFrame({"sum_value": [1.0, 2.0], "value_currency": ["EUR", "USD"]})
    view = TableView(TableState(frame))
    assert ">€1.00<" in view._rows.value
    assert ">$2.00<" in view._rows.value
    view.close()


def test_sorting_keeps_missing_values_last_either_way(view: TableView) -> None:
    view._sort.value = "recipients"
    assert view.state.rows["campaign"].tolist() == ["Sale", "Spring", "Äpfel"]
    view._down.value = True
    assert view.state.rows["campaign"].tolist() == ["Spring", "Sale", "Äpfel"]
    view._sort.value = "campaign"
    assert view.state.rows["campaign"].tolist() == ["Äpfel", "Spring", "Sale"]
    with pytest.raises(InvalidInputError, match="sort='revenue' is not a column"):
        view.state.sort = "revenue"


def test_a_search_looks_at_every_row_and_every_text(view: TableView) -> None:
    view._search.value = "SPR email"
    assert view.state.rows["campaign"].tolist() == ["Spring"]
    assert "1 of 3 rows" in view._rows.value
    view._search.value = "nothing (like) this"
    assert "No row of 3 holds" in view._rows.value


def test_only_the_rows_that_are_shown_are_handed_over() -> None:
    frame = pd.DataFrame(
        {"campaign": [f"Campaign number {n:05}" for n in range(5_000)], "count": range(5_000)}
    )
    view = TableView(TableState(frame))
    kept = saved()
    assert f"Campaign number {ROWS - 1:05}" in kept
    assert f"Campaign number {ROWS:05}" not in kept
    view._sort.value, view._down.value = "count", True
    assert "Campaign number 04999" in saved()
    assert "Campaign number 00000" not in saved()
    view.close()


def test_people_are_neither_shown_nor_searched() -> None:
    frame = pd.DataFrame({"profile_id": ["01P"], "email": ["ada@example.org"], "tier": ["new"], "count": [1]})
    state = TableState(frame)
    state.every = True
    assert state.columns == ["tier", "count"]
    state.search = "ada"
    assert state.rows.empty
