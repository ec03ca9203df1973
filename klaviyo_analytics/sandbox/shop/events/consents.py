"""Consent events: forms seen and sent, subscribing, joining lists, and leaving again."""

from __future__ import annotations

import numpy as np

from klaviyo_analytics.sandbox.shop.columns import NEVER, Bools, Ints
from klaviyo_analytics.sandbox.shop.events.ledger import Chapter, Properties
from klaviyo_analytics.sandbox.shop.ids import Names
from klaviyo_analytics.sandbox.shop.metrics import Metric
from klaviyo_analytics.sandbox.shop.story.forms import FORMS
from klaviyo_analytics.sandbox.shop.story.groups import LISTS, Memberships, list_id
from klaviyo_analytics.sandbox.shop.story.people import BY_BROWSING, BY_CHECKOUT, BY_FORM, BY_IMPORT, People

METHODS = {BY_FORM: "FORM", BY_CHECKOUT: "CHECKOUT", BY_IMPORT: "MANUAL_IMPORT", BY_BROWSING: None}


def consent_chapters(
    names: Names, people: People, stays: Memberships, left_mail: Ints, left_texts: Ints
) -> list[Chapter]:
    """Tell who agreed to what, and who took it back: `left_...` are the times of unsubscribing."""
    by_form = people.source == BY_FORM
    submitted = np.minimum(people.subscribed, people.texted)
    return [
        _form(Metric.VIEWED_FORM, names, by_form, people.created),
        _form(Metric.SUBMITTED_FORM, names, by_form & (submitted < NEVER), submitted),
        _consent(Metric.SUBSCRIBED_EMAIL, names, people, people.subscribed),
        _consent(Metric.SUBSCRIBED_TEXT, names, people, people.texted),
        _membership(Metric.SUBSCRIBED_LIST, names, people, stays, stays.joined),
        _consent(Metric.UNSUBSCRIBED_EMAIL, names, people, left_mail),
        _consent(Metric.UNSUBSCRIBED_TEXT, names, people, left_texts),
        _membership(Metric.UNSUBSCRIBED_LIST, names, people, stays.take(stays.left < NEVER), None),
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
    leaving = metric in {Metric.UNSUBSCRIBED_EMAIL, Metric.UNSUBSCRIBED_TEXT}

    def tell(kept: Ints) -> list[Properties]:
        told = []
        for who, moment, source in zip(
            person[kept].tolist(),
            time[person[kept]].tolist(),
            people.source[person[kept]].tolist(),
            strict=True,
        ):
            one: Properties = {"$event_id": f"{moment}:{who}"}
            form = None if leaving else form_of(who, source)
            if form is not None:
                one |= form_properties(names, form, who)
            one["Method"] = "PREFERENCE_PAGE" if leaving else METHODS[source]
            told.append(one)
        return told

    return Chapter(metric, person, time[person], tell)


def _membership(
    metric: Metric, names: Names, people: People, stays: Memberships, time: Ints | None
) -> Chapter:
    when = stays.left if time is None else time

    def tell(kept: Ints) -> list[Properties]:
        told = []
        for group, who, moment, source in zip(
            stays.group[kept].tolist(),
            stays.person[kept].tolist(),
            when[kept].tolist(),
            people.source[stays.person[kept]].tolist(),
            strict=True,
        ):
            one: Properties = {"$event_id": f"{moment}:{who}:{group}", "List": LISTS[group][1]}
            form = form_of(who, source)
            if form is not None and metric == Metric.SUBSCRIBED_LIST:
                one["form_id"] = names.short("form", FORMS[form].name)
            one["List ID"] = list_id(names, group)
            one["Method"] = METHODS[source] if metric == Metric.SUBSCRIBED_LIST else "PREFERENCE_PAGE"
            told.append(one)
        return told

    return Chapter(metric, stays.person, when, tell)
