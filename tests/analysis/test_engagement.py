"""Engagement with and without machines."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_analytics import analysis
from klaviyo_analytics.errors import FrameError
from tests.analysis.frames import few, frame, records

OPENED, CLICKED = "Opened Email", "Clicked Email"
MACHINE, BOT = "machine_open", "Bot Click"


def acts(*rows: tuple[str, str | None, str, Any]) -> pd.DataFrame:
    """Build events from (metric, profile, message, made by a machine)."""
    return pd.DataFrame(
        {
            "metric": pd.array([metric for metric, *_ in rows], "string"),
            "profile_id": pd.array([profile for _, profile, *_ in rows], "string"),
            "campaign_message_id": pd.array([message for *_, message, _ in rows], "string"),
            MACHINE: pd.array([flag if metric == OPENED else None for metric, *_, flag in rows], "boolean"),
            BOT: pd.array([flag if metric == CLICKED else None for metric, *_, flag in rows], "boolean"),
        }
    )


def sent(**delivered: int) -> pd.DataFrame:
    return frame(campaign_message_id=list(delivered), delivered=list(delivered.values()))


def test_a_profile_counts_once_and_as_a_person_if_it_acted_as_one_at_all() -> None:
    made = analysis.adjusted_engagement(
        sent(M1=4),
        acts(
            (OPENED, "A", "M1", True),
            (OPENED, "A", "M1", True),
            (OPENED, "B", "M1", True),
            (OPENED, "B", "M1", False),
            (OPENED, "C", "M1", None),
            (CLICKED, "A", "M1", True),
            (CLICKED, "B", "M1", None),
        ),
    )
    assert records(made) == [
        {
            "campaign_message_id": "M1",
            "delivered": 4,
            "openers": 3,
            "human_openers": 2,
            "clickers": 2,
            "human_clickers": 1,
            "open_rate": 0.75,
            "human_open_rate": 0.5,
            "click_rate": 0.5,
            "human_click_rate": 0.25,
        }
    ]


def test_messages_without_events_are_zero_and_events_of_others_or_of_nobody_are_left_out() -> None:
    events = acts((OPENED, None, "M1", False), (OPENED, "A", "M9", False), ("Bounced Email", "A", "M2", None))
    made = analysis.adjusted_engagement(sent(M2=5, M1=0), events)
    assert made["campaign_message_id"].tolist() == ["M1", "M2"]
    assert made["openers"].tolist() == [0, 0]
    assert made["open_rate"].isna().tolist() == [True, False]


@pytest.mark.parametrize("flags", [[True, False, None], ["True", "False", None], ["true", "", None]])
def test_the_flag_may_be_text_or_mixed(flags: list[object]) -> None:
    events = acts((OPENED, "A", "M1", None), (OPENED, "B", "M1", None), (OPENED, "C", "M1", None))
    events[MACHINE] = pd.Series(flags, dtype=object)
    made = analysis.adjusted_engagement(sent(M1=3), events)
    assert (made["openers"].item(), made["human_openers"].item()) == (3, 2)


def test_a_message_with_two_rows_is_refused() -> None:
    twice = pd.concat([sent(M1=1), sent(M1=2)])
    with pytest.raises(FrameError, match="several rows have the same 'campaign_message_id'"):
        analysis.adjusted_engagement(twice, acts((OPENED, "A", "M1", True)))


many = st.lists(
    st.tuples(
        st.sampled_from([OPENED, CLICKED, "Received Email"]),
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["M1", "M2"]),
        st.sampled_from([True, False, None]),
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.filterwarnings("ignore:no (open|click) among the events:UserWarning")
@few
@given(many)
def test_it_counts_what_sets_of_profiles_count(rows: list[tuple[str, str, str, bool | None]]) -> None:
    made = analysis.adjusted_engagement(sent(M1=3, M2=3), acts(*rows))
    for row in records(made):
        here = [each for each in rows if each[2] == row["campaign_message_id"]]
        for metric, who in ((OPENED, "openers"), (CLICKED, "clickers")):
            did = [(profile, bot) for what, profile, _, bot in here if what == metric]
            assert row[who] == len({profile for profile, _ in did})
            assert row[f"human_{who}"] == len({profile for profile, bot in did if not bot})
        assert 0 <= row["human_open_rate"] <= row["open_rate"] <= 1
        assert 0 <= row["human_click_rate"] <= row["click_rate"] <= 1


class TestEventsThatNameTheCampaign:
    """`$message` of a campaign's event is the campaign's id, a summary by message has the message's own."""

    events = acts((OPENED, "A", "C1", False), (OPENED, "B", "M2", True), (CLICKED, "A", "C1", False))

    def test_they_count_for_its_message(self) -> None:
        summary = sent(M1=4, M2=5).assign(campaign_id=pd.array(["C1", "C2"], "string"))
        made = analysis.adjusted_engagement(summary, self.events)
        assert made["openers"].tolist() == [1, 1]
        assert made["human_clickers"].tolist() == [1, 0]

    def test_reports_may_name_the_message_by_the_campaign(self) -> None:
        summary = sent(C1=4, C2=5).assign(campaign_id=pd.array(["C1", "C2"], "string"))
        made = analysis.adjusted_engagement(summary, self.events)
        assert made["openers"].tolist() == [1, 0]

    def test_a_campaign_of_several_messages_leaves_open_whose_they_are(self) -> None:
        summary = sent(M1=4, M2=5).assign(campaign_id=pd.array(["C1", "C1"], "string"))
        with pytest.warns(
            UserWarning, match="2 of the events name a campaign that has several messages"
        ) as caught:
            made = analysis.adjusted_engagement(summary, self.events)
        assert caught[0].filename == __file__
        assert made["openers"].tolist() == [0, 1]


class TestFlags:
    events = acts((OPENED, "A", "M1", True), (OPENED, "B", "M1", False))

    @pytest.mark.parametrize("name", ["Apple Privacy Open", "machine_opened", BOT])
    def test_a_named_flag_that_no_open_has_is_refused(self, name: str) -> None:
        with pytest.raises(FrameError, match=f"machine_open='{name}' is on no open.*'machine_open'"):
            analysis.adjusted_engagement(sent(M1=4), self.events, machine_open=name)

    def test_a_flag_by_another_name_counts(self) -> None:
        renamed = self.events.rename(columns={MACHINE: "Apple Privacy Open"})
        made = analysis.adjusted_engagement(sent(M1=4), renamed, machine_open="Apple Privacy Open")
        assert (made["openers"].item(), made["human_openers"].item()) == (2, 1)

    @pytest.mark.parametrize("drop", [True, False])
    def test_a_default_flag_that_no_open_has_warns(self, drop: bool) -> None:
        bare = self.events.drop(columns=MACHINE) if drop else self.events.assign(**{MACHINE: None})
        with pytest.warns(UserWarning, match="no open among the events has 'machine_open'") as caught:
            made = analysis.adjusted_engagement(sent(M1=4), bare)
        assert caught[0].filename == __file__
        assert (made["openers"].item(), made["human_openers"].item()) == (2, 2)

    def test_without_opens_there_is_nothing_to_warn_of(self) -> None:
        for events in (self.events.iloc[:0], self.events.assign(metric="Clicked SMS").drop(columns=MACHINE)):
            assert analysis.adjusted_engagement(sent(M1=4), events)["openers"].tolist() == [0]

    @pytest.mark.parametrize("column", ["channel", "send_channel"])
    def test_a_text_message_has_no_openers_rather_than_none(self, column: str) -> None:
        summary = sent(M1=4, M2=5).assign(**{column: pd.array(["email", "sms"], "string")})
        made = analysis.adjusted_engagement(summary, self.events)
        assert made["open_rate"].isna().tolist() == made["human_clickers"].isna().tolist() == [False, True]
