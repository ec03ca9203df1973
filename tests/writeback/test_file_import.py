"""An ordinary file of subscribers: every decision is shown, and what was rejected can be fixed and imported again."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import ArgumentError, ConfirmationRequiredError, FrameError, InvalidInputError
from tests.shops import Shop

HEADER = (
    "Email Address;First Name;Phone Number;Zip Code;Country;Birthday;Email Marketing Consent;Confirm Time\r\n"
)
LINES = (
    "ann@import.example;Ann;16175550123.0;02139;United States;31/12/2025;SUBSCRIBED;01/02/2025\r\n"
    "bob@import.example;Bob;;2139;United States;;subscribed;01/02/2025\r\n"
    "gone@import.example;Gone;;;;;UNSUBSCRIBED;01/02/2025\r\n"
    "bad@import;=HYPERLINK();;;;;SUBSCRIBED;01/02/2025\r\n"
    "twice@import.example;One;;;;;SUBSCRIBED;01/02/2025\r\n"
    "TWICE@import.example;Two;;;;;SUBSCRIBED;01/02/2025\r\n"
)
OPTIONS: dict[str, Any] = {"properties": "Birthday", "phone_region": "US", "date_format": "%d/%m/%Y"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "subscribers.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + LINES).encode())
    return path


def test_every_decision_is_shown_and_the_fixed_rejects_go_through(shop: Shop, file: Path) -> None:
    pytest.importorskip("phonenumbers")
    client, rejects = shop.client, file.parent / "rejects.csv"
    group = client.lists.create(name="Imported")
    plan = client.profiles.plan_import(file, list=group, **OPTIONS)
    assert plan.source == "subscribers.csv (utf-8-sig, delimiter ';', 6 rows)"
    assert (
        dict(zip(plan.mapping["column"], plan.mapping["becomes"], strict=True))["Zip Code"] == "location.zip"
    )
    shown = plan.preview()
    assert shown.index.tolist() == [2, 3, 4, 5, 6, 7]
    assert shown["action"].tolist() == [*["import and subscribe"] * 2, "left out", *["rejected"] * 3]
    assert "sent as +16175550123" in str(shown.loc[2, "reason"])
    assert "'02139', if leading zeros were lost" in str(shown.loc[3, "reason"])
    assert plan.unsubscribed["Email Address"].tolist() == ["gone@import.example"]
    with pytest.raises(ConfirmationRequiredError):
        plan.apply()
    result = plan.apply(confirm=True, rejects=rejects)
    assert result.rows["profile"].tolist() == ["written", "written", *["not sent"] * 4]
    ann = client.profiles.find(email="ann@import.example")
    ann = client.profiles.get(ann, properties="json")
    assert ann["phone_number"] == "+16175550123"
    assert ann["location.zip"] == "02139"
    assert ann["properties"]["Birthday"] == "2025-12-31"
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    left = pd.read_csv(rejects, dtype=str, keep_default_na=False)
    assert left["First Name"].tolist() == ["'=HYPERLINK()", "One", "Two"]
    assert left["Reject reason"].str.contains("not a valid email|comes again|is that of row").all()
    left.loc[0, "Email Address"] = "good@import.example"
    left.loc[2, "Email Address"] = "other@import.example"
    again = file.parent / "fixed.csv"
    left.to_csv(again, index=False)
    second = client.profiles.plan_import(again, list=group, **OPTIONS).apply(confirm=True)
    assert second.failures.empty
    members = client.lists.profiles(group)
    assert set(members["email"]) == {
        f"{name}@import.example" for name in ("ann", "bob", "good", "twice", "other")
    }
    assert client.profiles.find(email="good@import.example")["first_name"] == "=HYPERLINK()"


def test_an_unknown_header_is_refused_and_can_be_left_out(client: KlaviyoClient) -> None:
    people = pd.DataFrame({"E-Mail": ["a@import.example"], "Shoe": ["42"]})
    with pytest.raises(FrameError, match="the column 'Shoe' is not known"):
        client.profiles.plan_import(people)
    plan = client.profiles.plan_import(people, columns={"Shoe": None})
    assert plan.mapping["becomes"].isna().tolist() == [False, True]
    with pytest.raises(ArgumentError, match=r"apply\(\).*it takes confirm=, journal=, rejects="):
        plan.apply(skip_invalid=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_detected(
    client: KlaviyoClient, tmp_path: Path, encoding: str, delimiter: str
) -> None:
    path = tmp_path / "people.csv"
    lines = [
        ["Email", "First Name", "City"],
        ["a@import.example", "Zoë", "Köln, Süd" if delimiter != "," else "Köln"],
    ]
    path.write_bytes("\n".join(delimiter.join(line) for line in lines).encode(encoding))
    plan = client.profiles.plan_import(path)
    assert plan.frame.loc[2, "First Name"] == "Zoë"
    assert plan.summary()["to_import"] == 1


def test_a_line_with_too_many_fields_is_rejected(client: KlaviyoClient, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email,City\na@import.example,Bonn\nb@import.example,Bonn,Rhein\n")
    plan = client.profiles.plan_import(path)
    assert plan.problems["Reject reason"].tolist() == ["the line has 3 fields, and the header 2"]
    assert plan.summary()["to_import"] == 1


def test_yes_and_no_of_one_person_is_not_a_yes(client: KlaviyoClient) -> None:
    people = pd.DataFrame(
        {"Email": ["a@import.example", "A@import.example"], "Accepts Email Marketing": ["yes", "no"]}
    )
    plan = client.profiles.plan_import(people, on_duplicate="first", consented_at="2025-01-01")
    assert plan.summary()["to_subscribe"] == 0
    assert "has not agreed" in plan.problems["Reject reason"].item()


def test_a_workbook_keeps_its_leading_zeros(client: KlaviyoClient, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    people = pd.DataFrame({"Email": ["a@import.example"], "Zip": ["02139"]})
    people.to_excel(tmp_path / "people.xlsx", index=False)
    assert client.profiles.plan_import(tmp_path / "people.xlsx").frame["Zip"].tolist() == ["02139"]


def test_rejects_never_replace_a_file(client: KlaviyoClient, file: Path) -> None:
    plan = client.profiles.plan_import(pd.DataFrame({"Email": ["bad"]}))
    with pytest.raises(InvalidInputError, match="exists"):
        plan.write_rejects(file)


def test_no_order_of_day_and_month_is_guessed_and_the_mapping_says_how_dates_are_read(
    client: KlaviyoClient,
) -> None:
    frame = pd.DataFrame(
        {
            "Email": ["ann@shop.example", "bea@shop.example"],
            "Birthday": ["31/12/1985", "12/31/1985"],
            "Since": ["02/01/2020", "02/13/2020"],
            "Shoes": ["38/40", "41"],
        }
    )
    names = ["Birthday", "Since", "Shoes"]
    plan = client.profiles.plan_import(frame, properties=names)
    why = plan.mapping.set_index("column")["why"]
    assert [name for name in why.index if "stay texts as they are written" in why[name]] == [
        "Birthday",
        "Since",
    ]
    assert plan.problems.empty

    forms = {"Birthday": "%d/%m/%Y", "Since": "%m/%d/%Y"}
    plan = client.profiles.plan_import(frame, properties=names, date_format=forms)
    why = plan.mapping.set_index("column")["why"]
    assert "dates in '%d/%m/%Y'" in why["Birthday"]
    assert "dates in '%m/%d/%Y'" in why["Since"]
    assert len(plan.problems) == 1
    assert "'12/31/1985' is not a time" in plan.problems.to_string()
