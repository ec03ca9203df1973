"""A plan of a write, looked at and applied."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ConfirmationRequiredError, FrameError, InvalidInputError
from klaviyo_analytics.sandbox import Sandbox
from klaviyo_analytics.widgets import PlanView
from klaviyo_analytics.writeback import Plan
from tests.widgets.conftest import PATIENCE, open_widgets

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
    view._loader.join(PATIENCE)
    assert sent(sandbox) > before
    assert view.result is not None
    assert len(view.result.failures) == 0
    assert view.state.rows["status"].notna().all()
    assert hidden(view) == [True] * 4  # once is enough
    assert "Done. No row failed." in view._status.value
    view.close()


def hidden(view: PlanView) -> list[bool]:
    return [each.layout.display == "none" for each in (view._apply, view._yes, view._no, view._skip)]


def test_a_call_applies_shows_the_outcome_and_sends_nothing_twice(
    client: KlaviyoClient, sandbox: Sandbox
) -> None:
    view = PlanView(plan(client))
    view._apply.click()
    before = sent(sandbox)
    result = view.apply(skip_invalid=True, verify=True)
    assert result.rows["status"].tolist() == ["written", "not sent", "written"]
    assert sent(sandbox) > before
    assert "1 of 3 rows did not arrive" in view._status.value
    assert "not sent" in view._totals.value
    assert "not sent" in dict(view._only.options)
    before = sent(sandbox)
    assert view.apply() is view.apply(skip_invalid=True) is view.result is result
    assert sent(sandbox) == before
    view.close()


def test_the_button_waits_as_long_as_the_view_says(
    client: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    applied = Plan.apply

    def apply(self: Plan, **options: Any) -> Any:
        seen.append(options["timeout"])
        return applied(self, **options)

    monkeypatch.setattr(Plan, "apply", apply)
    view = PlanView(plan(client, PEOPLE.drop(index=1)), timeout=90)
    view._apply.click()
    view._yes.click()
    view._loader.join(PATIENCE)
    assert seen == [90.0]
    view.close()


@pytest.mark.parametrize("timeout", [-1, float("inf"), float("nan"), "60", True, None])
def test_a_view_refuses_a_timeout_that_is_not_one(client: KlaviyoClient, timeout: Any) -> None:
    before = len(open_widgets())
    with pytest.raises(InvalidInputError, match="is not a non-negative number of seconds"):
        PlanView(plan(client), timeout=timeout)
    assert len(open_widgets()) == before


def test_an_outcome_that_is_handed_over_takes_the_place_of_the_question_and_of_the_buttons(
    client: KlaviyoClient,
) -> None:
    view = PlanView(plan(client))
    view._skip.value = True
    view._apply.click()
    assert hidden(view) == [False] * 4
    view.state.result = view.state.plan.apply(skip_invalid=True)
    assert hidden(view) == [True] * 4
    assert "Send" not in view._status.value
    assert "Done, but 1 of 3 rows" in view._status.value
    view.close()


def test_a_call_refuses_what_plan_apply_refuses_and_can_be_made_again(
    client: KlaviyoClient, sandbox: Sandbox
) -> None:
    view, before = PlanView(plan(client)), sent(sandbox)
    with pytest.raises(FrameError, match="1 of 3 rows cannot be sent"):
        view.apply()
    assert "Rows have problems" in view._status.value
    assert "grace" not in view._status.value
    people = client.profiles.list(fields=["email"], limit=1)
    asks = PlanView(client.profiles.plan_suppress(people))
    with pytest.raises(ConfirmationRequiredError):
        asks.apply()
    assert "confirm=True" in asks._status.value
    assert sent(sandbox) == before
    assert len(view.apply(skip_invalid=True).failures) == 1
    assert len(asks.apply(confirm=True).failures) == 0
    view.close()
    asks.close()


def test_a_call_waits_for_what_the_button_has_begun(
    client: KlaviyoClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = PlanView(plan(client, PEOPLE.drop(index=1)))
    sending, go, send = threading.Event(), threading.Event(), client._api.transport._attempt

    def slow(*args: Any, **kwargs: Any) -> Any:
        sending.set()
        assert go.wait(PATIENCE)
        return send(*args, **kwargs)

    monkeypatch.setattr(client._api.transport, "_attempt", slow)

    async def in_a_notebook() -> None:
        """Press the button, and run a cell while its loop has no time for anything else."""
        before = sent(sandbox)
        view._apply.click()
        view._yes.click()
        assert sending.wait(PATIENCE)
        threading.Thread(target=go.set).start()
        result = view.apply()
        assert result is view.result
        assert result.rows["status"].tolist() == ["written"] * 2
        assert sent(sandbox) == before + 1

    asyncio.run(in_a_notebook())
    view.close()


def test_a_cell_that_is_interrupted_leaves_a_view_that_can_go_on(
    client: KlaviyoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = PlanView(plan(client, PEOPLE.drop(index=1)))

    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(client._api.transport, "_attempt", interrupt)
        with pytest.raises(KeyboardInterrupt):
            view.apply()
    assert "Interrupted." in view._status.value
    assert len(view.apply().failures) == 0
    view.close()


def test_rows_with_problems_stand_out_and_after_that_those_that_did_not_arrive(client: KlaviyoClient) -> None:
    view = PlanView(plan(client))
    assert view.state.tones == ["kla-bad", "", ""]
    assert view._table.value.count('<tr class="kla-bad">') == 1
    view.apply(skip_invalid=True)
    failed = [row for row, tone in zip(view.state.rows["row"], view.state.tones, strict=True) if tone]
    assert failed == [1]
    view.close()


def test_the_question_comes_before_its_buttons(client: KlaviyoClient) -> None:
    view = PlanView(plan(client))
    order = list(view.children[-1].children)
    assert order.index(view._status) < order.index(view._yes) < order.index(view._no)
    view.close()
