"""Which rows a job's errors speak of."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_analytics.writeback.run import job_failures


def error(**payload: Any) -> dict[str, Any]:
    return {"code": "invalid", "detail": "No.", "original_payload": payload}


@pytest.mark.parametrize(
    ("key", "payload", "rows"),
    [
        pytest.param("external_id", {"external_id": "ab"}, [11], id="ids-differ-by-case"),
        pytest.param("external_id", {"attributes": {"external_id": "AB"}}, [10], id="in-a-resource"),
        pytest.param("email", {"email": "AB"}, [11], id="addresses-do-not-and-the-last-is-named"),
        pytest.param("external_id", {"external_id": "cd"}, [], id="nobody"),
    ],
)
def test_an_error_without_a_place_is_found_by_the_key(
    key: str, payload: dict[str, Any], rows: list[int]
) -> None:
    assert list(job_failures([error(**payload)], [10, 11], ["AB", "ab"], key)) == rows


def test_a_place_is_believed_first() -> None:
    placed = {**error(external_id="AB"), "source": {"pointer": "/data/attributes/profiles/data/1/attributes"}}
    assert job_failures([placed], [10, 11], ["AB", "ab"], "external_id") == {
        11: ["failed", "invalid", "No.", "/data/attributes/profiles/data/1/attributes"]
    }
