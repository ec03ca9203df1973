"""A contact sheet of every plot, drawn from made-up frames: `python -m klaviyo_analytics.plots.gallery out.png`.

It is how the plots are looked at before a release; `--slide` draws them at the size of a slide.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.pyplot import close

from klaviyo_analytics import analysis, plots
from klaviyo_analytics.plots import customers as people

_ZONE = "America/New_York"
_ORDER_VALUE = 64.0
_THEMES = (
    "Spring collection is here 🌷",
    "Members' early access",
    "Weekend flash sale – up to $40 off",
    "New in: linen",
    "Last chance: free shipping ends tonight",
    "How to care for wool",
    "Back in stock: the bestsellers you asked for, in every size and colour",
    "Été à la plage: robes & maillots",
    "We miss you",
    "Mother's Day gift guide",
    "Loyalty points are about to expire",
    "The story behind our dyes",
)
_FLOWS = ("Welcome Series", "Abandoned Cart", "Browse Abandonment", "Post-Purchase", "Win-back", "Birthday")


def daily_metric(
    *,
    days: int = 84,
    start: str = "2026-01-12",
    channels: tuple[str, ...] = ("email", "sms", "push"),
    metric: str = "Placed Order",
    scale: float = 60.0,
    seed: int = 7,
) -> pd.DataFrame:
    """Orders per day and channel, with a weekly rhythm, a sale, and today unfinished."""
    rng = np.random.default_rng(seed)
    when = pd.date_range(start, periods=days, tz=_ZONE).as_unit("us")
    rhythm = 1 + 0.25 * np.isin(when.day_of_week, (4, 5)) + 0.0015 * np.arange(days)
    sale = 1 + 0.9 * np.exp(-(((np.arange(days) - days * 0.6) / 3.0) ** 2))
    parts = []
    for rank, channel in enumerate(channels):
        level = scale / (1 + 1.3 * rank)
        counts = rng.poisson(level * rhythm * sale)
        counts[-1] = int(counts[-1] * 0.35)
        part = pd.DataFrame({"datetime": when, "metric_id": metric[:6], "metric": metric})
        part["attributed_channel"] = channel
        part["count"] = counts
        part["sum_value"] = (counts * _ORDER_VALUE * rng.normal(1, 0.05, days)).round(2)
        part["unique"] = np.ceil(counts * 0.93).astype(int)
        part["complete"] = np.arange(days) < days - 1
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.astype(
        {"metric_id": "string", "metric": "string", "attributed_channel": "string", "count": "Int64"}
    )
    frame.attrs = {"interval": "day", "timezone": _ZONE, "currency": "USD"}
    return frame


def several_metrics() -> pd.DataFrame:
    """Four metrics that lead into each other, per day."""
    shares = {"Opened Email": 2400.0, "Clicked Email": 310.0, "Checkout Started": 130.0, "Placed Order": 62.0}
    parts = [
        daily_metric(channels=("all",), metric=metric, scale=scale, seed=seed)
        for seed, (metric, scale) in enumerate(shares.items())
    ]
    return pd.concat(parts, ignore_index=True)


def revenue_by_source(*, weeks: int = 18, seed: int = 3) -> pd.DataFrame:
    """Revenue per week from campaigns, flows and everything else."""
    rng = np.random.default_rng(seed)
    when = pd.date_range("2025-12-01", periods=weeks, freq="W-MON", tz=_ZONE).as_unit("us")
    season = 1 + 0.55 * np.exp(-(((np.arange(weeks) - 2) / 1.5) ** 2))
    parts = []
    for source, level in (("campaign", 21_000), ("flow", 14_000), ("other", 42_000)):
        revenue = level * season * rng.normal(1, 0.1, weeks)
        revenue[-1] *= 0.4
        part = pd.DataFrame({"datetime": when, "source": source, "revenue": revenue.round(2)})
        parts.append(part.assign(currency="USD", complete=np.arange(weeks) < weeks - 1))
    return pd.concat(parts, ignore_index=True).astype({"source": "string", "currency": "string"})


def campaign_summary(*, campaigns: int = 24, seed: int = 5) -> pd.DataFrame:
    """One row per campaign; every rate is rebuilt from the counts beside it."""
    rng = np.random.default_rng(seed)
    channel = np.where(np.arange(campaigns) % 4 == 3, "sms", "email")
    recipients = rng.lognormal(9.6, 0.8, campaigns).astype(int)
    rows = pd.DataFrame({"campaign_id": [f"C{row:03d}" for row in range(campaigns)]})
    rows["campaign"] = [_THEMES[row % len(_THEMES)] for row in range(campaigns)]
    rows["channel"] = channel
    rows["send_time"] = pd.date_range("2026-01-05 10:00", periods=campaigns, freq="3D", tz=_ZONE).as_unit(
        "us"
    )
    rows["subject"] = rows["campaign"]
    rows["status"] = "Sent"
    rows["tags"] = [["spring"] if row % 2 else [] for row in range(campaigns)]
    interest = rng.normal(1, 0.18, campaigns).clip(0.5) * (recipients / recipients.mean()) ** -0.12
    return _statistics(rows, recipients, interest, channel == "email", rng)


def flow_summary(*, by_message: bool = False, seed: int = 11) -> pd.DataFrame:
    """One row per flow, or per message of one flow whose audience shrinks from message to message."""
    rng = np.random.default_rng(seed)
    count = 4 if by_message else len(_FLOWS)
    rows = pd.DataFrame({"flow_id": [f"F{0 if by_message else row}" for row in range(count)]})
    rows["flow"] = _FLOWS[0] if by_message else list(_FLOWS)
    rows["status"] = "live"
    rows["trigger_type"] = "Added to List" if by_message else "Metric"
    rows["channel"] = "email"
    rows["tags"] = [[] for _ in range(count)]
    if by_message:
        rows["flow_message_id"] = [f"M{row}" for row in range(count)]
        rows["message"] = ["Welcome!", "Our story", "10% off, just for you", "Last day of your offer"]
        rows["message_position"] = pd.array(range(1, count + 1), dtype="Int64")
    recipients = (9_000 * 0.72 ** np.arange(count)).astype(int)
    interest = rng.normal(1.4, 0.2, count).clip(0.7)
    return _statistics(rows, recipients, interest, np.ones(count, dtype=bool), rng)


def flow_series(*, weeks: int = 16, flows: int = 3, seed: int = 13) -> pd.DataFrame:
    """Flows per week."""
    rng = np.random.default_rng(seed)
    when = pd.date_range("2025-12-15", periods=weeks, freq="W-MON", tz=_ZONE).as_unit("us")
    parts = []
    for rank, flow in enumerate(_FLOWS[:flows]):
        delivered = rng.poisson(1_900 / (1 + 0.6 * rank), weeks)
        value = delivered * (1.9 - 0.4 * min(rank, 3)) * rng.normal(1, 0.12, weeks)
        part = pd.DataFrame({"datetime": when, "flow_id": f"F{rank}", "flow": flow, "delivered": delivered})
        part["conversion_value"] = value.round(2)
        part["open_rate"] = (rng.normal(0.48 - 0.05 * min(rank, 6), 0.02, weeks)).clip(0, 1)
        parts.append(part.assign(currency="USD"))
    return pd.concat(parts, ignore_index=True).astype({"flow_id": "string", "flow": "string"})


def list_members(*, weeks: int = 20, seed: int = 17) -> pd.DataFrame:
    """Who joined and left a list per week, and its members."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"datetime": pd.date_range("2025-11-17", periods=weeks, freq="W-MON", tz=_ZONE).as_unit("us")}
    )
    frame["subscribed"] = rng.poisson(420 + 260 * np.exp(-(((np.arange(weeks) - 4) / 2) ** 2)))
    frame["unsubscribed"] = rng.poisson(170 + 9 * np.arange(weeks) % 60)
    frame["net"] = frame["subscribed"] - frame["unsubscribed"]
    frame["members"] = 31_400 + frame["net"].cumsum()
    return frame.astype(dict.fromkeys(("subscribed", "unsubscribed", "net", "members"), "Int64"))


def segment_members(*, segments: int = 4, weeks: int = 16, seed: int = 23) -> pd.DataFrame:
    """Members of segments per week, as the report of segments returns them."""
    rng = np.random.default_rng(seed)
    when = pd.date_range("2025-12-15", periods=weeks, freq="W-MON", tz=_ZONE).as_unit("us")
    names = ["Engaged, 30 days", "VIP customers", "Win-back", "New subscribers"]
    names = [*names, *(f"Segment {number}" for number in range(5, segments + 1))][:segments]
    parts = []
    for rank, name in enumerate(names):
        change = rng.poisson(90 / (1 + rank), weeks) - rng.poisson(60 / (1 + rank), weeks)
        part = pd.DataFrame({"datetime": when, "segment_id": f"S{rank}", "segment": name})
        parts.append(part.assign(total_members=9_000 // (1 + rank) + change.cumsum()))
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({"segment_id": "string", "segment": "string", "total_members": "Int64"})


def order_lines(*, products: int = 14, seed: int = 29) -> pd.DataFrame:
    """Lines of orders, as `analysis.order_items` returns them."""
    rng = np.random.default_rng(seed)
    named = ["Linen shirt", "Wool scarf", "Canvas tote", "Rain jacket", "Straw hat", "Silk pillowcase"]
    named = [*named, *(f"Garment-dyed T-shirt, colour {number}" for number in range(7, products + 1))][
        :products
    ]
    lines = 40 * products
    share = 1 / np.arange(1, products + 1) ** 0.8
    which = rng.choice(products, lines, p=share / share.sum())
    frame = pd.DataFrame({"order_id": [f"O{line // 2}" for line in range(lines)]})
    frame["profile_id"] = [f"P{line // 5}" for line in range(lines)]
    frame["datetime"] = pd.date_range("2026-01-05 09:00", periods=lines, freq="3h", tz=_ZONE).as_unit("us")
    frame["product"] = [named[place] for place in which]
    frame["quantity"] = rng.integers(1, 4, lines)
    frame["line_total"] = (frame["quantity"] * (28.0 + 4.0 * which)).round(2)
    frame.attrs = {"currency": "USD", "timezone": _ZONE}
    return frame.astype(
        {"order_id": "string", "profile_id": "string", "product": "string", "quantity": "Int64"}
    )


def attributed_revenue(*, groups: int = 4) -> pd.DataFrame:
    """Revenue of channels under three models, which share out the same orders."""
    names = ["email", "sms", "push", "whatsapp", *(f"Partner {number}" for number in range(5, groups + 1))]
    first = 90_000 / np.arange(1, groups + 1) ** 1.2
    frame = pd.DataFrame({"channel": names[:groups], "revenue_last_touch": first.round(2)})
    frame["revenue_linear"] = (0.8 * first + 0.2 * first.mean()).round(2)
    frame["revenue_native"] = (0.7 * first + 0.3 * first.mean()).round(2)
    return frame.assign(currency="USD")


def account_numbers() -> pd.DataFrame:
    """Key numbers of a month beside those of the month before."""
    rows = [
        ("revenue", "money", 96_300.0, 0.124),
        ("orders", "count", 1_482.0, 0.081),
        ("average_order_value", "money", 64.98, 0.04),
        ("recipients", "count", 182_400.0, -0.021),
        ("open_rate", "rate", 0.412, 0.013),
        ("click_rate", "rate", 0.0281, -0.062),
        ("conversion_rate", "rate", 0.0042, 0.0),
    ]
    frame = pd.DataFrame(rows, columns=["measure", "kind", "value", "change"])
    frame = frame.assign(source="all", currency="USD", complete=True)
    frame.attrs = {"timezone": _ZONE, "currency": "USD", "timeframe": "1 – 31 Mar 2026"}
    return frame


def experiment(*, variations: int = 3) -> pd.DataFrame:
    """Return an A/B test of click rates, with the first variation as the control."""
    delivered = np.full(variations, 4_800)
    clicks = 190 + 41 * np.arange(variations) % 130
    names = [f"Subject {number}" for number in range(1, variations + 1)]
    sent = pd.DataFrame({"variation": names, "delivered": delivered, "clicks_unique": clicks})
    return analysis.ab_test(sent)


def bridge_steps(*, steps: int = 4) -> pd.DataFrame:
    """Return steps from revenue by date of order to revenue by date of sending."""
    changes = [-18_400.0, 12_650.0, -3_120.0, 940.0]
    amounts = [changes[step % 4] / (1 + step // 4) for step in range(steps)]
    words = ["sent before", "ordered later", "refunds", "canceled"]
    names = [words[step % 4] + (f" {step // 4 + 1}" if step > 3 else "") for step in range(steps)]
    total = pd.DataFrame({"step": ["by order"], "kind": ["total"], "amount": [96_300.0]})
    middle = pd.DataFrame({"step": names, "kind": "change", "amount": amounts})
    end = pd.DataFrame({"step": ["by send"], "kind": ["total"], "amount": [96_300.0 + sum(amounts)]})
    return pd.concat([total, middle, end], ignore_index=True).assign(currency="USD")


def sending_hours(*, seed: int = 19) -> pd.DataFrame:
    """Reactions by weekday and hour of sending; few sends at night."""
    rng = np.random.default_rng(seed)
    hours = pd.DataFrame({"weekday": np.repeat(np.arange(7), 15), "hour": np.tile(np.arange(7, 22), 7)})
    peak = np.exp(-(((hours["hour"] - 10) / 4) ** 2)) + 0.6 * np.exp(-(((hours["hour"] - 19) / 2) ** 2))
    hours["sends"] = (3_000 * peak + 40).astype(int)
    hours["rate"] = (0.02 + 0.03 * peak) * rng.normal(1, 0.06, len(hours))
    return hours.assign(enough=hours["sends"] > 300)


def time_to_order(*, channels: int = 2) -> pd.DataFrame:
    """Orders by the time since the message and channel."""
    bounds = [0.0, 1.0, 6.0, 24.0, 72.0, 120.0]
    buckets = ["0-1 h", "1-6 h", "6-24 h", "1-3 d", "3-5 d"]
    names = ["email", "sms", *(f"Channel {number}" for number in range(3, channels + 1))][:channels]
    parts = [
        pd.DataFrame(
            {
                "bucket": buckets,
                "from_hours": bounds[:-1],
                "to_hours": bounds[1:],
                "orders": np.round(
                    np.array([240.0, 180, 120, 60, 24]) / (rank + 1) ** np.linspace(0, 1.4, 5)
                ),
                "channel": channel,
            }
        )
        for rank, channel in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def tired_readers() -> pd.DataFrame:
    """Reactions by the number of messages in the days before."""
    earlier = np.arange(6)
    sends = np.array([52_000, 31_000, 14_500, 6_200, 2_400, 900])
    rate = 0.062 * 0.84**earlier
    half = 1.96 * np.sqrt(rate * (1 - rate) / sends)
    frame = pd.DataFrame({"earlier": earlier, "sends": sends, "rate": rate, "low": rate - half})
    return frame.assign(high=rate + half, within_rate=0.055 * 0.93**earlier, slope=-0.0037)


def _statistics(
    rows: pd.DataFrame,
    recipients: np.ndarray[tuple[int], np.dtype[np.int64]],
    interest: np.ndarray[tuple[int], np.dtype[np.float64]],
    opens_are_known: np.ndarray[tuple[int], np.dtype[np.bool_]],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Fill in the counts from the audience and its interest, and the rates from the counts."""
    delivered = recipients - rng.binomial(recipients, 0.006)
    opened = rng.binomial(delivered, (0.41 * interest).clip(0, 0.9))
    clicked = rng.binomial(delivered, (0.028 * interest**1.5).clip(0, 0.5))
    buyers = rng.binomial(clicked, 0.16)
    counts = {
        "recipients": recipients,
        "delivered": delivered,
        "bounced": recipients - delivered,
        "opens": (opened * 1.6).astype(int),
        "opens_unique": opened,
        "clicks": (clicked * 1.3).astype(int),
        "clicks_unique": clicked,
        "unsubscribe_uniques": rng.binomial(delivered, 0.0021),
        "spam_complaints": rng.binomial(delivered, 0.00007),
        "conversions": (buyers * 1.1).astype(int),
        "conversion_uniques": buyers,
    }
    frame = rows.assign(**counts).astype(dict.fromkeys(counts, "Int64"))
    frame.loc[~opens_are_known, ["opens", "opens_unique"]] = pd.NA
    frame["conversion_value"] = (
        frame["conversions"].astype(float) * _ORDER_VALUE * rng.normal(1, 0.1, len(rows))
    ).round(2)
    frame["currency"] = "USD"
    for rate, (part, whole) in _RATES.items():
        size = frame[whole].astype(float)
        frame[rate] = frame[part].astype(float) / size.where(size > 0)
    frame["open_rate_denominator"] = frame["delivered"].where(frame["opens_unique"].notna())
    frame["click_to_open_rate_numerator"] = frame["clicks_unique"].where(frame["opens_unique"].notna())
    texts = [name for name in frame.columns if name != "tags" and frame[name].dtype in (object, "str")]
    return frame.astype(dict.fromkeys(texts, "string"))


_RATES = {
    "delivery_rate": ("delivered", "recipients"),
    "bounce_rate": ("bounced", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "average_order_value": ("conversion_value", "conversions"),
    "revenue_per_recipient": ("conversion_value", "recipients"),
}


_Pixels = npt.NDArray[np.uint8]

_GAP = 16  # white pixels between the pictures
_SALE = {"2026-03-03": "Sale starts"}


def pictures() -> dict[str, Callable[[], Axes | Figure]]:
    """Return what is on the sheet: a caption and the call that draws it."""
    orders = daily_metric()
    one_channel = daily_metric(channels=("email",), days=31, start="2026-03-01")
    month_before = daily_metric(channels=("email",), days=28, start="2026-02-01", seed=8)
    regions = daily_metric(channels=tuple(f"Region {number}" for number in range(1, 13)), days=42)
    campaigns = campaign_summary()
    messages = flow_summary(by_message=True)
    return {
        "metric_trend(hue=)": lambda: plots.metric_trend(
            orders, y="sum_value", hue="attributed_channel", annotations=_SALE
        ),
        "metric_trend(compare=)": lambda: plots.metric_trend(one_channel, compare=month_before),
        "revenue_split": lambda: plots.revenue_split(revenue_by_source()),
        "revenue_split(share=True)": lambda: plots.revenue_split(
            revenue_by_source(), share=True, annotations=plots.holidays(2025)
        ),
        "campaign_ranking": lambda: plots.campaign_ranking(campaigns, by="revenue_per_recipient"),
        "campaign_scatter": lambda: plots.campaign_scatter(campaigns, y="click_rate", hue="channel"),
        "deliverability": lambda: plots.deliverability(campaigns, benchmarks="good"),
        "flow_funnel": lambda: plots.flow_funnel(messages),
        "flow_performance": lambda: plots.flow_performance(flow_series(flows=5)),
        "list_growth": lambda: plots.list_growth(list_members()),
        "segment_sizes": lambda: plots.segment_sizes(segment_members()),
        "top_products": lambda: plots.top_products(order_lines()),
        "metric_trend, many hues": lambda: plots.metric_trend(regions, hue="attributed_channel"),
        "campaign_ranking(hue=)": lambda: plots.campaign_ranking(campaigns, by="click_rate", hue="channel"),
        "small_multiples": lambda: plots.small_multiples(several_metrics(), annotations=_SALE),
        "campaign_overview": lambda: plots.campaign_overview(campaigns, benchmarks="good"),
        "rfm_map": lambda: plots.rfm_map(people.scores()),
        "rfm_movement": lambda: plots.rfm_movement(people.scores()),
        "cohort_heatmap": lambda: plots.cohort_heatmap(people.cohorts()),
        "retention_curves": lambda: plots.retention_curves(people.curve(by="source"), hue="source"),
        "overlap": lambda: plots.overlap(people.overlap()),
        "ordered_funnel": lambda: plots.ordered_funnel(people.funnel()),
        "year_over_year": lambda: plots.year_over_year(people.years()),
        "lifetime_value": lambda: plots.lifetime_value(people.values()),
        "attribution_comparison": lambda: plots.attribution_comparison(attributed_revenue()),
        "scorecard": lambda: plots.scorecard(account_numbers()),
        "bridge": lambda: plots.bridge(bridge_steps()),
        "ab_forest": lambda: plots.ab_forest(experiment()),
        "send_time_heatmap": lambda: plots.send_time_heatmap(sending_hours()),
        "conversion_lag(hue=)": lambda: plots.conversion_lag(time_to_order(), hue="channel"),
        "fatigue": lambda: plots.fatigue(tired_readers()),
        "flow_overview": lambda: plots.flow_overview(flow_summary()),
    }


def contact_sheet(*, slide: bool = False, dpi: int = 100, across: int = 3) -> _Pixels:
    """Draw every picture and lay them side by side, each under the call that made it."""
    tiles = []
    with plots.style("slide") if slide else nullcontext():
        for call, draw in pictures().items():
            drawn = draw()
            figure = drawn if isinstance(drawn, Figure) else drawn.figure
            assert isinstance(figure, Figure)
            tiles.append(_with_heading(call, _pixels(figure, dpi), dpi))
            close(figure)
    width = across * min(tile.shape[1] for tile in tiles)
    rows = [_side_by_side(row, width) for row in _shelves(tiles, width)]
    return np.concatenate(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m klaviyo_analytics.plots.gallery", description=__doc__)
    parser.add_argument("path", type=Path, help="PNG file to write")
    parser.add_argument("--slide", action="store_true", help="draw at the size of a slide")
    parser.add_argument("--dpi", type=int, default=100, help="dots per inch")
    chosen = parser.parse_args(arguments)
    imsave(chosen.path, contact_sheet(slide=chosen.slide, dpi=chosen.dpi))


def _with_heading(heading: str, picture: _Pixels, dpi: int) -> _Pixels:
    banner = Figure(figsize=(picture.shape[1] / dpi, 0.35), facecolor="#eeeeee")
    banner.text(0.01, 0.5, heading, va="center", family="monospace", fontsize=10)
    above = _on_white(_pixels(banner, dpi), 0, picture.shape[1])[:, : picture.shape[1]]
    return _on_white(np.concatenate([above, picture]), picture.shape[0] + _GAP, picture.shape[1] + _GAP)


def _shelves(tiles: Sequence[_Pixels], width: int) -> list[list[_Pixels]]:
    """Put the tiles in rows, as many in each as fit."""
    rows: list[list[_Pixels]] = [[]]
    for tile in tiles:
        if rows[-1] and sum(other.shape[1] for other in rows[-1]) + tile.shape[1] > width:
            rows.append([])
        rows[-1].append(tile)
    return rows


def _side_by_side(tiles: Sequence[_Pixels], width: int) -> _Pixels:
    height = max(tile.shape[0] for tile in tiles)
    row = np.concatenate([_on_white(tile, height, tile.shape[1]) for tile in tiles], axis=1)
    return _on_white(row, height, width)[:, :width]


def _pixels(figure: Figure, dpi: int) -> _Pixels:
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _on_white(picture: _Pixels, height: int, width: int) -> _Pixels:
    """Return the picture on a white ground of at least this size."""
    ground = np.full((max(height, picture.shape[0]), max(width, picture.shape[1]), 3), 255, dtype=np.uint8)
    ground[: picture.shape[0], : picture.shape[1]] = picture
    return ground


if __name__ == "__main__":
    main()
