"""Analyses in one line each: the same numbers as by hand, from the API and from the archive, with what they cost."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import klaviyo_analytics as ka
from klaviyo_analytics.answers import Analyses
from klaviyo_analytics.errors import (
    ArgumentError,
    ConfigurationError,
    FrameError,
    InvalidInputError,
    NoMatchError,
)
from tests.shops import Shop, open_shop

YEAR = "last 12 months"
FROM_EVENTS = [
    "attribution", "attribution_comparison", "by_segment", "cohorts", "conversion_lag",
    "deliverability_by_provider", "engagement_tiers", "fatigue", "flow_collisions", "growth_by_source",
    "holdout_lift", "klaviyo_rfm", "lifetime_value", "links", "new_and_returning", "ordered_funnel", "overlap",
    "product_affinity", "repeat_purchase", "replenishment", "retention_curves", "rfm", "send_times", "touch_rollup",
    "year_over_year",
]  # fmt: skip
FROM_REPORTS = ["coupons", "flow_health", "flow_losses", "subject_lines"]
GROUPS = ("Window shoppers 👀", "United States")
ARGUMENTS: dict[str, tuple[Any, ...]] = {"holdout_lift": GROUPS}


def called(analyses: Any, name: str, **options: Any) -> pd.DataFrame:
    frame: pd.DataFrame = getattr(analyses, name)(*ARGUMENTS.get(name, ()), **options)
    return frame


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop(profiles=300, events=6000) as shop:
        yield shop


@pytest.fixture(scope="module")
def archive(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("deltalake")
    archive = shop.client.archive(tmp_path_factory.mktemp("archive"))
    archive.sync(["campaigns", "events", "metrics", "flows", "lists", "segments", "profiles"])
    archive.snapshot("segments")
    return archive


@pytest.mark.parametrize("name", [*FROM_EVENTS, *FROM_REPORTS])
def test_a_frame_says_what_was_read_and_draws_itself(shop: Shop, name: str) -> None:
    before = len(shop.asked())
    frame = called(shop.client.analyses, name)
    attrs = frame.attrs
    assert attrs["analysis"] == name
    assert attrs["source"] == "api"
    assert attrs["requests"] == len(shop.asked()) - before > 0
    assert attrs["rows"] > 0
    assert attrs["read"]
    assert attrs["timezone"] == "America/New_York"
    assert (attrs["period"] is None) == (name == "overlap")
    assert len(ka.plots.auto(frame).get_children()) > 5
    plt.close("all")


@pytest.mark.parametrize("name", FROM_EVENTS)
def test_the_archive_gives_the_same_frame_without_a_request(shop: Shop, archive: Any, name: str) -> None:
    live = called(shop.client.analyses, name)  # first, so that what a client reads once is known
    copied = called(archive.analyses, name)
    pd.testing.assert_frame_equal(copied, live)
    assert (copied.attrs["source"], copied.attrs["requests"]) == ("archive", 0)


@pytest.mark.parametrize("name", FROM_REPORTS)
def test_an_archive_refuses_what_it_does_not_hold(archive: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"client\.analyses\.{name}"):
        getattr(archive.analyses, name)()


def test_every_analysis_is_here(shop: Shop) -> None:
    public = {name for name in dir(shop.client.analyses) if not name.startswith("_")}
    assert public == {*FROM_EVENTS, *FROM_REPORTS, "ab_test"}


def test_an_archive_opened_without_a_client_answers_too(archive: Any) -> None:
    alone = ka.open_archive(Path(archive._store.where))
    frame = alone.analyses.rfm(("2025-06-01", "2026-06-01"), metric=("Placed Order", "Shopify"))
    assert len(frame) > 10
    assert frame.attrs["requests"] == 0


SPAN = ("2025-05-20", "2026-07-01")
WITHOUT = {"renewals": False}
OF_ORDERS = sorted(
    name for name in {*FROM_EVENTS, *FROM_REPORTS}
    if "orders" in inspect.signature(getattr(Analyses, name)).parameters
)  # fmt: skip


def of_each_analysis(shop: Shop, orders: Any) -> dict[str, pd.DataFrame]:
    """Every analysis that takes conditions, and the account's summary, over a year of orders."""
    found = {}
    for name in OF_ORDERS:
        options: dict[str, Any] = {"orders": orders, "timeframe": SPAN}
        if name == "ordered_funnel":
            options["metric"] = ("Placed Order", "Shopify")
        found[name] = called(shop.client.analyses, name, **options)
    found["counts"] = shop.client.analyses.year_over_year(SPAN, value="count", orders=orders)
    summary = shop.client.account_summary(("2025-07-01", "2026-07-01"), compare=None, orders=orders)
    found["account_summary"] = summary
    found["reconcile"] = shop.client.reconcile("2025-12", orders=orders).roads
    return found


@contextmanager
def planted(*, renewals: bool) -> Iterator[Shop]:
    """Serve a shop with a hundred orders, of which thirty are renewals, or with the other seventy alone."""
    with open_shop(profiles=600, events=30_000) as shop:
        log, metrics = shop.account.events, shop.account.records["metric"]
        named = {one.attributes["name"]: id for id, one in metrics.items() if id in log.metric_ids}
        placed, _ = shop.client.metrics.resolve(("Placed Order", "Shopify"))
        rows = [row for row in range(len(log.ids)) if log.metric_ids[log.metric[row]] == placed]
        elsewhere = named["Earned Loyalty Points"]
        hundred, rest = rows[:100], rows[100:]
        thirty = [row for place, row in enumerate(hundred) if place % 10 in (0, 4, 7)]
        assert (len(hundred), len(thirty)) == (100, 30)
        for row in rest if renewals else [*rest, *thirty]:
            log.metric[row] = log.metric_ids.index(elsewhere)
        for row in thirty:
            log.properties[row] = {**log.properties[row], "tags": ["Subscription Recurring Order"]}
        yield shop


def test_a_hundred_orders_without_thirty_renewals_are_seventy_everywhere() -> None:
    with planted(renewals=True) as shop:
        everything = shop.client.analyses.rfm(SPAN)
        chosen = of_each_analysis(shop, WITHOUT)
    with planted(renewals=False) as shop:
        seventy = of_each_analysis(shop, {})
    assert int(chosen["rfm"]["frequency"].sum()) == 70
    assert int(everything["frequency"].sum()) == 100
    assert int(chosen["counts"]["count"].sum()) == 70
    for name, frame in seventy.items():
        mine, wanted = chosen[name], frame
        if name == "reconcile":  # Klaviyo's own roads count all orders, whatever the conditions
            mine, wanted = (
                one[one["road"].str.startswith("raw events")].reset_index(drop=True) for one in (mine, wanted)
            )
        if name == "by_segment":  # Klaviyo decides by all orders who is in a segment of buyers
            of_others = mine["group"].isin(["App users", "Engaged (90 days)", "United States"])
            mine, wanted = (one[of_others].drop(columns="shared") for one in (mine, wanted))
        pd.testing.assert_frame_equal(mine, wanted, obj=name)
        assert len(wanted), name
    for name in OF_ORDERS:
        assert chosen[name].attrs["orders"] == "without renewals", name
    assert chosen["account_summary"].attrs["orders"] == "without renewals"
    told = chosen["account_summary"].set_index(["source", "measure"])["value"]
    assert told["all", "orders"] + told["other", "orders"] > 0
    assert pd.isna(told["all", "conversion_rate"])
    assert told["all", "open_rate"] > 0


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.campaigns.summary(orders=WITHOUT),
        lambda client: client.flows.summary(orders=WITHOUT),
        lambda client: client.reports.campaign_values(orders=WITHOUT),
        lambda client: client.reports.flow_series(orders=WITHOUT),
        lambda client: client.metric_aggregates.query("Placed Order", orders=WITHOUT),
        lambda client: client.analyses.ab_test("a campaign", orders=WITHOUT),
        lambda client: client.analyses.flow_health(orders=WITHOUT),
    ],
)
def test_what_only_klaviyo_counts_refuses_conditions_in_words(shop: Shop, call: Any) -> None:
    before = len(shop.asked())
    with pytest.raises(ArgumentError, match=r"'orders'.*over all orders.*touch_rollup\(orders="):
        call(shop.client)
    assert len(shop.asked()) == before


def test_conditions_on_a_funnel_without_orders_are_refused(shop: Shop) -> None:
    with pytest.raises(InvalidInputError, match="none of `steps` is the metric of orders"):
        shop.client.analyses.ordered_funnel(["Viewed Product", "Started Checkout"], orders=WITHOUT)


def test_attribution_of_klaviyo_equals_what_klaviyo_says_of_each_order(shop: Shop) -> None:
    native = shop.client.analyses.attribution(YEAR, model="native")
    said = shop.client.events.attributions(metric=("Placed Order", "Shopify"), timeframe=YEAR)
    mine = native[native["status"] == "attributed"]
    assert len(said) > 0
    assert sorted(mine["order_id"]) == sorted(said["event_id"])
    assert mine["revenue"].sum() == pytest.approx((said["value"] * said["weight"]).sum())


def test_a_year_of_aggregates_equals_the_year_of_events(shop: Shop) -> None:
    counted = shop.client.analyses.year_over_year(YEAR)
    added = shop.client.analyses.year_over_year(YEAR, orders={})
    assert counted.attrs["read"] == ["metric aggregates"]
    assert added.attrs["read"] == ["events"]
    pd.testing.assert_frame_equal(counted, added, check_dtype=False)


def test_a_b_test_takes_a_name_an_id_or_a_row(shop: Shop) -> None:
    sent = shop.client.campaigns.summary("last 365 days", by="variation")
    tested = str(sent.groupby("campaign_id")["variation"].nunique().idxmax())
    name = sent.loc[sent["campaign_id"] == tested, "campaign"].iloc[0]
    by_id = shop.client.analyses.ab_test(tested)
    assert len(by_id) == 2
    assert by_id["recipients"].sum() == sent.loc[sent["campaign_id"] == tested, "delivered"].sum()
    pd.testing.assert_frame_equal(by_id, shop.client.analyses.ab_test(name))
    pd.testing.assert_frame_equal(by_id, shop.client.analyses.ab_test(shop.client.campaigns.get(tested)))
    assert ka.plots.auto(by_id).get_title(loc="left") is not None
    plt.close("all")
    with pytest.raises(NoMatchError, match="fewer than two variations"):
        shop.client.analyses.ab_test("no such campaign")


def test_machines_count_only_if_asked_for(shop: Shop) -> None:
    people = shop.client.analyses.send_times(YEAR, reaction="open", by="hour")
    all_opens = shop.client.analyses.send_times(YEAR, reaction="open", by="hour", machines=True)
    assert people["sends"].tolist() == all_opens["sends"].tolist()
    assert people["reacted"].sum() < all_opens["reacted"].sum()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: a.send_times(channel="fax"), "'fax' is not a channel"),
        (lambda a: a.send_times(channel="text", reaction="open"), "is not recorded for text"),
        (lambda a: a.send_times(within="soon"), "is not a duration"),
        (lambda a: a.engagement_tiers("last 30 days"), "shorter than 180 days"),
        (lambda a: a.overlap(kind="flows"), "is not a kind of group"),
        (lambda a: a.ordered_funnel(["Viewed Product", "Bought"]), "no metric has this name"),
        (lambda a: a.ordered_funnel("Placed Order"), "'Placed Order' is not a list of two names"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(shop: Shop, call: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        call(shop.client.analyses)


def test_unknown_segments_are_refused_with_names_that_exist(shop: Shop) -> None:
    with pytest.raises(NoMatchError, match="Among the segments are"):
        shop.client.analyses.by_segment(segments=["nobody"])


def test_one_name_is_read_as_a_list_of_one(shop: Shop) -> None:
    analyses = shop.client.analyses
    name = str(analyses.overlap()["group_a"].iloc[0])
    pd.testing.assert_frame_equal(analyses.overlap(name), analyses.overlap([name]))
    assert set(analyses.by_segment(segments=name)["group"]) == {name, "(all, once)"}


def test_bars_of_long_names_are_told_apart() -> None:
    pages = [
        f"https://shop.example/collections/everything-for-the-garden/{page}" for page in ("hoses", "rakes")
    ]
    clicks = pd.DataFrame({"url": pages, "clicks": [2, 1]})
    clicks.attrs["analysis"] = "links"
    labels = [label.get_text() for label in ka.plots.auto(clicks).get_yticklabels()]
    assert labels[0].endswith("hoses")
    assert labels[1].endswith("rakes")
    plt.close("all")


def test_a_frame_that_names_no_analysis_has_no_picture() -> None:
    with pytest.raises(FrameError, match=r"has no 'analysis'.*client\.analyses"):
        ka.plots.auto(pd.DataFrame({"a": [1]}))
    with pytest.raises(FrameError, match="has no 'analysis'"):
        ka.plots.auto([{"a": 1}])  # type: ignore[arg-type]
    with pytest.raises(FrameError, match=r"not a Series, which is one column.*client\.analyses"):
        ka.plots.auto(pd.Series([1]))  # type: ignore[arg-type]


def test_two_currencies_are_never_added() -> None:
    with open_shop(profiles=300, events=6000, currencies=("USD", "EUR")) as shop:
        analyses = shop.client.analyses
        with pytest.raises(FrameError, match="currenc"):
            analyses.rfm()
        euros = analyses.rfm(orders={"currency": "EUR"})
        assert euros.attrs["currency"] == "EUR"
        with pytest.raises(InvalidInputError, match="never added"):
            analyses.year_over_year(orders={})


class TestOneLinersByHand:
    """What a line of `client.analyses` returns equals the analysis of frames that were read one by one."""

    def orders(self, shop: Shop, span: Any = YEAR) -> pd.DataFrame:
        events = shop.client.events.list(metric=("Placed Order", "Shopify"), timeframe=span)
        orders = ka.analysis.normalise_orders(events)
        return orders.assign(
            datetime=orders["datetime"].dt.tz_convert("America/New_York"),
            event_properties=events["event_properties"],
        )

    def test_cohorts_by_the_first_product(self, shop: Shop) -> None:
        frame = shop.client.analyses.cohorts(YEAR, by="product", period="quarter")
        lines = ka.analysis.order_items(self.orders(shop)).sort_values(["datetime", "product"])
        first = lines.groupby("profile_id").first()
        sizes = frame[frame["age"] == 0].groupby("product")["size"].sum()
        assert sizes.to_dict() == first["product"].value_counts().to_dict()
        assert len(sizes) > 5

    def test_cohorts_by_country_and_by_a_property(self, shop: Shop) -> None:
        where = shop.client.profiles.list().set_index("id")["location.country"]
        buyers = self.orders(shop)["profile_id"].dropna().unique()
        frame = shop.client.analyses.cohorts(YEAR, by="country")
        sizes = frame[frame["age"] == 0].groupby("country", dropna=False)["size"].sum()
        assert sizes.to_dict() == pytest.approx(where.reindex(buyers).value_counts(dropna=False).to_dict())
        joined = shop.client.analyses.cohorts(YEAR, starts="Subscribed to List", by=["List", "country"])
        assert {"List", "country"} <= set(joined.columns)
        assert joined["List"].nunique() > 1

    @pytest.mark.parametrize("name", ["cohorts", "retention_curves"])
    def test_a_property_that_no_event_has_is_refused_with_a_close_one(self, shop: Shop, name: str) -> None:
        with pytest.raises(InvalidInputError, match=r"by='Lst' is not a property.*did you mean 'List'"):
            getattr(shop.client.analyses, name)(YEAR, starts="Subscribed to List", by="Lst")

    def test_cohorts_by_discount(self, shop: Shop) -> None:
        frame = shop.client.analyses.cohorts(YEAR, by="discount", measure="orders")
        first = self.orders(shop).sort_values("datetime").groupby("profile_id", sort=False).head(1)
        expected = first["discount_codes"].replace("", pd.NA).value_counts()
        sizes = frame[frame["age"] == 0].dropna(subset=["discount"]).groupby("discount")["size"].sum()
        sizes = sizes[sizes.index != ""]
        assert sizes.to_dict() == expected.to_dict()
        assert len(sizes) > 0

    def test_retention_curves_after_a_consent(self, shop: Shop) -> None:
        curve = shop.client.analyses.retention_curves(YEAR, starts="Subscribed to Email Marketing")
        consents = shop.client.events.list(metric="Subscribed to Email Marketing", timeframe=YEAR)
        period = shop.client.timeframe(YEAR)
        by_hand = ka.analysis.retention_curves(
            consents[["id", "profile_id", "datetime"]],
            self.orders(shop)[["id", "profile_id", "datetime"]],
            as_of=min(period.end, shop.now),
        )
        pd.testing.assert_frame_equal(curve, by_hand)
        assert curve["at_risk"].iloc[0] == consents["profile_id"].nunique()

    def test_send_times_in_the_persons_own_zone(self, shop: Shop) -> None:
        own = shop.client.analyses.send_times(YEAR, by="hour", zone="profile")
        account = shop.client.analyses.send_times(YEAR, by="hour")
        assert own["sends"].sum() == account["sends"].sum()
        assert own["reacted"].sum() == account["reacted"].sum()
        assert account["own_zone"].sum() == 0
        zones = shop.client.profiles.list().set_index("id")["location.timezone"]
        sends = shop.client.events.list(metric="Received Email", timeframe=YEAR)
        places = sends["profile_id"].map(zones).fillna("America/New_York")
        hours = [when.tz_convert(zone).hour for when, zone in zip(sends["datetime"], places, strict=True)]
        assert own.set_index("hour")["sends"].to_dict() == pd.Series(hours).value_counts().to_dict()
        assert own["own_zone"].sum() == sends["profile_id"].map(zones).notna().sum()
        assert (
            own["hour"].tolist() != account["hour"].tolist()
            or own["sends"].tolist() != account["sends"].tolist()
        )

    def test_links_and_their_campaigns(self, shop: Shop) -> None:
        clicks = shop.client.events.list(
            metric="Clicked Email", timeframe=YEAR, properties=["URL", "Bot Click"]
        )
        frame = shop.client.analyses.links(YEAR, machines=True)
        assert frame["clicks"].sum() == len(clicks)
        bots = (
            clicks["event_properties.Bot Click"].astype("string").str.lower().eq("true").fillna(value=False)
        )
        people = shop.client.analyses.links(YEAR)
        assert people["clicks"].sum() == len(clicks) - bots.sum()
        plain = clicks["event_properties.URL"].str.replace(r"[?#].*$", "", regex=True)
        assert frame.set_index("url")["clicks"].to_dict() == plain.value_counts().to_dict()
        within = shop.client.analyses.links(YEAR, by="campaign", machines=True)
        assert within["clicks"].sum() == len(clicks)
        with pytest.raises(InvalidInputError, match="channel='push' has no links"):
            shop.client.analyses.links(channel="push")  # type: ignore[arg-type]

    def test_coupons(self, shop: Shop) -> None:
        frame = shop.client.analyses.coupons(YEAR).dropna(subset=["coupon"]).set_index("coupon")
        for coupon in shop.client.coupons.list()["id"]:
            codes = shop.client.coupons.codes(coupon)
            row = frame.loc[coupon]
            assert row["codes"] == len(codes)
            assert row["assigned"] == codes["status"].isin(["ASSIGNED_TO_PROFILE", "USED"]).sum()
        assert frame["codes"].sum() > 0
        some = shop.client.analyses.coupons(YEAR, coupons=["WELCOME10"])
        assert some["coupon"].dropna().tolist() == ["WELCOME10"]

    def test_subject_lines_are_those_of_emails(self, shop: Shop) -> None:
        lines = shop.client.analyses.subject_lines(YEAR, measure="click_rate")
        summary = shop.client.campaigns.summary(YEAR, by="message")
        mails = summary[summary["channel"] == "email"]
        for _, part in lines.groupby("feature"):
            assert part["messages"].sum() == len(mails)
            assert part["numerator"].sum() == mails["clicks_unique"].sum()
            assert part["denominator"].sum() == mails["delivered"].sum()

    def test_touch_rollup_adds_up_to_all_orders(self, shop: Shop) -> None:
        orders = self.orders(shop)
        for grain in ("person_touch", "campaign", "flow", "person"):
            rolled = shop.client.analyses.touch_rollup(YEAR, grain=grain)
            assert rolled["orders"].sum() == pytest.approx(len(orders))
            assert rolled["revenue"].sum() == pytest.approx(orders["value"].sum())
        campaigns = shop.client.analyses.touch_rollup(YEAR, grain="campaign").dropna(subset=["campaign_id"])
        said = shop.client.events.attributions(metric=("Placed Order", "Shopify"), timeframe=YEAR)
        said = said.dropna(subset=["campaign_id"])
        by_campaign = (said["value"] * said["weight"]).groupby(said["campaign_id"]).sum()
        assert campaigns.set_index("campaign_id")["revenue"].to_dict() == pytest.approx(by_campaign.to_dict())
        names = shop.client.campaigns.list().set_index("id")["name"]
        assert campaigns["campaign"].tolist() == campaigns["campaign_id"].map(names).tolist()
        written = [label.get_text() for label in ka.plots.auto(campaigns).get_yticklabels()]
        assert written[0].startswith(campaigns["campaign"].iloc[0][:8])
        assert not {*written} & {*campaigns["campaign_id"]}

    def test_growth_by_source(self, shop: Shop) -> None:
        frame = shop.client.analyses.growth_by_source(YEAR, by="List")
        joined = shop.client.events.list(metric="Subscribed to List", timeframe=YEAR, properties=["List"])
        left = shop.client.events.list(metric="Unsubscribed from List", timeframe=YEAR)
        assert frame.groupby("List")["subscribed"].sum().to_dict() == (
            joined["event_properties.List"].value_counts().to_dict()
        )
        assert frame["unsubscribed"].sum() == len(left)
        only = shop.client.analyses.growth_by_source(YEAR, by="List", left=None)
        assert only["unsubscribed"].sum() == 0

    def test_holdout_lift_counts_people_of_one_group_only(self, shop: Shop) -> None:
        frame = shop.client.analyses.holdout_lift(*GROUPS, YEAR)
        names = shop.client.segments.list().set_index("name")["id"]
        held, sent = (set(shop.client.segments.profiles(names[name])["id"]) for name in GROUPS)
        buyers = set(self.orders(shop)["profile_id"])
        assert frame.attrs["in_both"] == len(held & sent)
        assert frame["people"].tolist() == [len(sent - held)]
        assert frame["holdout_people"].tolist() == [len(held - sent)]
        assert frame["estimate"][0] == pytest.approx(len((sent - held) & buyers) / len(sent - held))
        money = shop.client.analyses.holdout_lift(*GROUPS, YEAR, revenue=True)
        orders = self.orders(shop)
        spent = orders.loc[orders["profile_id"].isin(sent - held), "value"].sum()
        assert money["estimate"][0] == pytest.approx(spent / len(sent - held))
        assert ka.plots.auto(money).texts[0].get_text().startswith(("$", "-$", "−$"))
        plt.close("all")
        with pytest.raises(InvalidInputError, match="nobody who is not in the other group"):
            shop.client.analyses.holdout_lift(GROUPS[0], GROUPS[0])
        with pytest.raises(InvalidInputError, match="kind='flows'"):
            shop.client.analyses.holdout_lift(*GROUPS, kind="flows")  # type: ignore[arg-type]

    def test_replenishment(self, shop: Shop) -> None:
        due = shop.client.analyses.replenishment(YEAR)
        lines = ka.analysis.order_items(self.orders(shop))
        pairs = lines.dropna(subset=["profile_id", "product"]).drop_duplicates(["profile_id", "product"])
        assert len(due) == len(pairs)
