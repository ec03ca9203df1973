"""The finished story as the record writers see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klaviyo_analytics.sandbox.shop.clock import Clock
from klaviyo_analytics.sandbox.shop.columns import NEVER, Floats, Ints
from klaviyo_analytics.sandbox.shop.events.ledger import Log
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.journeys import Departures, Diary, Memberships
from klaviyo_analytics.sandbox.shop.story.mailings import COMPLAINS, HARD_BOUNCE, Campaign, Flow
from klaviyo_analytics.sandbox.shop.story.people import Contacts, People


@dataclass(slots=True)
class World:
    """Everything that is known when the story is complete.

    The first `active` people take part in it; the others were only imported and nothing happened to them.
    """

    seed: int
    names: Names
    clock: Clock
    currency: str
    people: People
    contacts: Contacts
    active: int
    diary: Diary
    campaigns: list[Campaign]
    flows: dict[str, Flow]
    departures: Departures
    log: Log
    text_names: str = "new"
    form_names: str = "old"

    @property
    def stays(self) -> Memberships:
        """Those stays on lists that last to this day."""
        stays, now = self.departures.stays, self.clock.now
        return stays.take((stays.person < self.active) & (stays.joined <= now) & (stays.left > now))

    def counts(self, *metrics: Metric, since: int = 0) -> Ints:
        """Count each person's events of some metrics."""
        rows = self._rows(metrics, since)
        return np.bincount(self.log.person[rows], minlength=len(self.people))

    def sums(self, *metrics: Metric) -> Floats:
        """Add up the values of each person's events."""
        rows = self._rows(metrics, 0)
        weights = self.log.value[rows]
        return np.bincount(self.log.person[rows], weights, minlength=len(self.people)).astype(np.float64)

    def times(self, *metrics: Metric) -> tuple[Ints, Ints]:
        """Return the persons and the times of all events of some metrics."""
        rows = self._rows(metrics, 0)
        return self.log.person[rows].astype(np.int64), self.log.time[rows]

    def latest(self, *metrics: Metric) -> Ints:
        """Return the time of each person's last event of these metrics (of any, if none is named); 0 for none."""
        rows = self._rows(metrics or tuple(Metric), 0)
        latest = np.zeros(len(self.people), dtype=np.int64)
        np.maximum.at(latest, self.log.person[rows], self.log.time[rows])
        return latest

    def reaching(self, *metrics: Metric, count: int = 1, since: int = 0, until: int = NEVER) -> Ints:
        """Return the time of each person's count-th such event in the window; NEVER if there were fewer."""
        rows = self._rows(metrics, since)
        rows = rows[self.log.time[rows] < until]
        rows = rows[np.argsort(self.log.person[rows], kind="stable")]
        person = self.log.person[rows]
        nth = np.arange(len(rows)) - np.searchsorted(person, person)
        reached = np.full(len(self.people), NEVER)
        hit = nth == count - 1
        reached[person[hit]] = self.log.time[rows[hit]]
        return reached

    def spending(self, metric: Metric, amount: float) -> Ints:
        """Return the time at which each person's values of a metric add up to an amount; NEVER if they do not."""
        rows = self._rows((metric,), 0)
        rows = rows[np.argsort(self.log.person[rows], kind="stable")]
        person, cents = self.log.person[rows], np.round(self.log.value[rows] * 100).astype(np.int64)
        total = np.cumsum(cents)
        before = np.concatenate([[0], total])[np.searchsorted(person, person)]
        hit = np.flatnonzero(total - before >= round(amount * 100))[::-1]
        reached = np.full(len(self.people), NEVER)
        reached[person[hit]] = self.log.time[rows[hit]]
        return reached

    def suppressions(self) -> dict[int, list[tuple[str, int]]]:
        """Return why and since when a person receives no email."""
        found: dict[int, list[tuple[str, int]]] = {}
        for person in np.flatnonzero(self.departures.mail[: self.active] <= self.clock.now).tolist():
            found.setdefault(person, []).append(("UNSUBSCRIBE", int(self.departures.mail[person])))
        sends = self.diary.sends
        for fate, reason in ((COMPLAINS, "SPAM_COMPLAINT"), (HARD_BOUNCE, "HARD_BOUNCE")):
            for send in np.flatnonzero((sends.fate == fate) & (sends.person < self.active)).tolist():
                when = int(self.departures.by_send[send]) if fate == COMPLAINS else int(sends.time[send]) + 2
                if when <= self.clock.now:
                    found.setdefault(int(sends.person[send]), []).append((reason, when))
        return found

    def _rows(self, metrics: tuple[Metric, ...], since: int) -> Ints:
        which = np.isin(self.log.metric, metrics) & (self.log.person >= 0) & (self.log.time >= since)
        return np.flatnonzero(which)
