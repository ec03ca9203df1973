"""Consent events: forms seen and sent, subscribing, joining lists and leaving them."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Ints
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Properties
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.journeys import FORMS, LISTS, TEXTS, Memberships, list_id
from klaviyo_analytics.sandbox.shop.story.people import BY_BROWSING, BY_CHECKOUT, BY_FORM, BY_IMPORT, People

#: how people give their consent, and how they take it back
METHODS = {BY_FORM: "FORM", BY_CHECKOUT: "CHECKOUT", BY_IMPORT: "MANUAL_IMPORT", BY_BROWSING: None}
LEAVING_METHODS = {"email": "PREFERENCE_PAGE", "sms": "INBOUND_MESSAGE"}


def consent_chapters(names: Names, people: People, stays: Memberships) -> list[Chapter]:
    """Tell who agreed to what, and which lists they joined and left."""
    by_form = people.source == BY_FORM
    submitted = np.minimum(people.subscribed, people.texted)
    return [
        _form(Metric.VIEWED_FORM, names, by_form, people.created),
        _form(Metric.SUBMITTED_FORM, names, by_form & (submitted < NEVER), submitted),
        _consent(Metric.SUBSCRIBED_EMAIL, names, people, people.subscribed),
        _consent(Metric.SUBSCRIBED_TEXT, names, people, people.texted),
        _joining(names, people, stays),
        _leaving(names, stays.take(stays.left < NEVER)),
    ]


def form_of(person: int, source: int) -> int | None:
    """Say which form (and with its parity, which version) a person came through."""
    return person % 10 % 3 if source == BY_FORM else None


def form_properties(names: Names, form: int, person: int) -> Properties:
    """Tell which form, which version of it and which kind."""
    plan = FORMS[form]
    version = plan.versions[person // 10 % len(plan.versions)]
    return {
        "form_id": names.short("form", plan.name),
        "form_version_id": int(names.digits("form-version", plan.name, version)),
        "Form Name": plan.name,
        "Form Type": plan.kind.upper(),
    }


def _form(metric: Metric, names: Names, which: Bools, time: Ints) -> Chapter:
    person = np.flatnonzero(which)

    def tell(kept: Ints) -> list[Properties]:
        told = []
        for who, moment in zip(person[kept].tolist(), time[person[kept]].tolist(), strict=True):
            one = form_properties(names, form_of(who, BY_FORM) or 0, who)
            told.append({**one, "$event_id": f"{moment}:{who}", "Page URL": None if who % 7 == 0 else "/"})
        return told

    return Chapter(metric, person, time[person], tell)


def _consent(metric: Metric, names: Names, people: People, time: Ints) -> Chapter:
    person = np.flatnonzero(time < NEVER)

    def tell(kept: Ints) -> list[Properties]:
        told = []
        for who, moment, source in zip(
            person[kept].tolist(),
            time[person[kept]].tolist(),
            people.source[person[kept]].tolist(),
            strict=True,
        ):
            one: Properties = {"$event_id": f"{moment}:{who}"}
            form = form_of(who, source)
            if form is not None:
                one |= form_properties(names, form, who)
            one["Method"] = METHODS[source]
            told.append(one)
        return told

    return Chapter(metric, person, time[person], tell)


def _joining(names: Names, people: People, stays: Memberships) -> Chapter:
    def tell(kept: Ints) -> list[Properties]:
        told = _stays(names, stays, stays.joined, kept)
        for one, who in zip(told, stays.person[kept].tolist(), strict=True):
            source = int(people.source[who])
            form = form_of(who, source)
            if form is not None:
                one["form_id"] = names.short("form", FORMS[form].name)
            one["Method"] = METHODS[source]
        return told

    return Chapter(Metric.SUBSCRIBED_LIST, stays.person, stays.joined, tell)


def _leaving(names: Names, stays: Memberships) -> Chapter:
    def tell(kept: Ints) -> list[Properties]:
        told = _stays(names, stays, stays.left, kept)
        for one, group in zip(told, stays.group[kept].tolist(), strict=True):
            one["Method"] = LEAVING_METHODS["sms" if group == TEXTS else "email"]
        return told

    return Chapter(Metric.UNSUBSCRIBED_LIST, stays.person, stays.left, tell)


def _stays(names: Names, stays: Memberships, time: Ints, kept: Ints) -> list[Properties]:
    return [
        {
            "$event_id": f"{moment}:{who}:{group}",
            "List": LISTS[group][1],
            "List ID": list_id(names, group),
        }
        for moment, who, group in zip(
            time[kept].tolist(), stays.person[kept].tolist(), stays.group[kept].tolist(), strict=True
        )
    ]
