"""What every account has from its first day, whoever made it up."""

from __future__ import annotations

from klaviyo_analytics.sandbox.model import Account, Record


def complete(account: Account) -> None:
    """Add the settings that an account cannot be without, if they are missing."""
    settings = account.records.setdefault("tracking-setting", {})
    for id_ in account.records.get("account", {}):
        settings.setdefault(id_, _tracking(id_))


def _tracking(account_id: str) -> Record:
    names = {"utm_source": "klaviyo", "utm_medium": "email"}
    attributes = {
        "auto_add_parameters": True,
        **{name: {key: _static(value) for key in ("flow", "campaign")} for name, value in names.items()},
        "utm_campaign": {"flow": _dynamic("flow_name"), "campaign": _dynamic("campaign_name")},
        "custom_parameters": [],
    }
    return Record("tracking-setting", account_id, attributes)


def _static(value: str) -> dict[str, str]:
    return {"type": "static", "value": value}


def _dynamic(value: str) -> dict[str, str]:
    return {"type": "dynamic", "value": value}
