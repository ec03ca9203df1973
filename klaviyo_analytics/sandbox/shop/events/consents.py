"""Consent events: forms seen and sent, subscribing, joining lists and leaving them."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Ints
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Properties
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.catalog import SITE
from klaviyo_analytics.sandbox.shop.story.journeys import FORMS, LISTS, TEXTS, Memberships, list_id
from klaviyo_analytics.sandbox.shop.story.people import BY_BROWSING, BY_CHECKOUT, BY_FORM, BY_IMPORT, People

#: how people give their consent, and how they take it back
METHODS = {BY_FORM: "FORM", BY_CHECKOUT: "CHECKOUT", BY_IMPORT: "MANUAL_IMPORT", BY_BROWSING: None}
LEAVING_METHODS = {"email": "PREFERENCE_PAGE", "sms": "INBOUND_MESSAGE"}


def consent_chapters(
    names: Names, people: People, stays: Memberships, form_names: str = "old"
) -> list[Chapter]:
    """Write the events of consent, of joining lists and of leaving them."""
    by_form = people.source == BY_FORM
    submitted = np.minimum(people.subscribed, people.texted)
    return [
        _form(Metric.VIEWED_FORM, names, by_form, people.created),
        _form(
            Metric.SUBMITTED_FORM,
            names,
            by_form & (submitted < NEVER),
            submitted,
            of_profile=form_names == "new",
        ),
        _consent(Metric.SUBSCRIBED_EMAIL, names, people, people.subscribed),
        _consent(Metric.SUBSCRIBED_TEXT, names, people, people.texted),
        _joining(names, people, stays),
        _leaving(names, stays.take(stays.left < NEVER)),
    ]


def form_of(person: int, source: int) -> int | None:
    """Return the form that a person came through; its parity decides the version."""
    return person % 10 % 3 if source == BY_FORM else None


def form_properties(names: Names, form: int, person: int) -> Properties:
    """Return the properties that name a form, its version and its type."""
    plan = FORMS[form]
    version = plan.versions[person // 10 % len(plan.versions)]
    return {
        "form_id": names.short("form", plan.name),
        "form_version_id": int(names.digits("form-version", plan.name, version)),
        "Form Name": plan.name,
        "Form Type": plan.kind.upper(),
    }


def _form(metric: Metric, names: Names, which: Bools, time: Ints, *, of_profile: bool = False) -> Chapter:
    person = np.flatnonzero(which)

    def write(kept: Ints) -> list[Properties]:
        written = []
        for who, moment in zip(person[kept].tolist(), time[person[kept]].tolist(), strict=True):
            one = form_properties(names, form_of(who, BY_FORM) or 0, who) | {"$event_id": f"{moment}:{who}"}
            if of_profile:
                del one["Form Name"], one["Form Type"]
                device = "mobile" if who % 3 else "desktop"
                one |= {"page": f"{SITE}/", "device_type": device, "$is_client_event": True}
            else:
                one |= {"Page URL": None if who % 7 == 0 else "/"}
            written.append(one)
        return written

    return Chapter(metric, person, time[person], write)


def _consent(metric: Metric, names: Names, people: People, time: Ints) -> Chapter:
    person = np.flatnonzero(time < NEVER)

    def write(kept: Ints) -> list[Properties]:
        written = []
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
            written.append(one)
        return written

    return Chapter(metric, person, time[person], write)


def _joining(names: Names, people: People, stays: Memberships) -> Chapter:
    def write(kept: Ints) -> list[Properties]:
        written = _stays(names, stays, stays.joined, kept)
        for one, who in zip(written, stays.person[kept].tolist(), strict=True):
            source = int(people.source[who])
            form = form_of(who, source)
            if form is not None:
                one["form_id"] = names.short("form", FORMS[form].name)
            one["Method"] = METHODS[source]
        return written

    return Chapter(Metric.SUBSCRIBED_LIST, stays.person, stays.joined, write)


def _leaving(names: Names, stays: Memberships) -> Chapter:
    def write(kept: Ints) -> list[Properties]:
        written = _stays(names, stays, stays.left, kept)
        for one, group in zip(written, stays.group[kept].tolist(), strict=True):
            one["Method"] = LEAVING_METHODS["sms" if group == TEXTS else "email"]
        return written

    return Chapter(Metric.UNSUBSCRIBED_LIST, stays.person, stays.left, write)


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
