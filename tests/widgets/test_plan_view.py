"""A plan of a write, looked at and applied."""

from __future__ import annotations

import ipywidgets
import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import PlanView
from klaviyo_analytics.writeback import Plan
from tests.widgets.conftest import open_widgets

pytestmark = pytest.mark.usefixtures("no_widget_left")
PEOPLE = pd.DataFrame(
    {
        "email": ["ada@example.org", "grace@example", "alan@example.org"],
        "first_name": ["Ada", "Grace", "Alan"],
    }
)


def plan(client: KlaviyoClient, people: pd.DataFrame = PEOPLE) -> Plan:
    return client.profiles.plan_upsert(people, key="email")


def sent(sandbox: Sandbox) -> int:
    return sum(record.method == "POST" for record in sandbox.requests)


def test_problems_come_first_and_keep_it_from_being_applied(client: KlaviyoClient) -> None:
    view = PlanView(plan(client))
    assert view.state.rows["row"].tolist() == [1, 0, 2]
    assert view._apply.disabled
    view.state.only = view.state.kinds[0]
    assert view.state.rows["row"].tolist() == [1]
    view._skip.value = True
    assert not view._apply.disabled
    view.close()


def test_apply_asks_again_and_tells_what_became_of_every_row(client: KlaviyoClient, sandbox: Sandbox) -> None:
    view = PlanView(plan(client, PEOPLE.drop(index=1)))
    before = sent(sandbox)
    view._apply.click()
    assert "Send 2 rows?" in view._status.value
    view._no.click()
    assert view._yes.layout.display == "none"
    assert sent(sandbox) == before
    view._apply.click()
    view._yes.click()
    view._loader.join(30)
    assert sent(sandbox) > before
    assert view.result is not None
    assert len(view.result.failures) == 0
    assert view.state.rows["status"].notna().all()
    assert view._apply.disabled  # once is enough
    view.close()


def test_what_is_saved_names_nobody(client: KlaviyoClient) -> None:
    view = PlanView(plan(client))
    saved = str([widget.get_state() for widget in open_widgets().values()])
    assert isinstance(view._table, ipywidgets.HTML)
    assert not [name for name in ("example", "ada@", "grace", "Ada", "Grace") if name in saved]
    view.close()
