"""What of the sandbox's behaviour can be switched."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Settings:
    """Switches that tests may turn while the sandbox runs.

    `keys` maps Klaviyo's private keys to their scopes (None: all). `events_page_max` of 200 makes the server
    refuse the larger pages that the schema allows and the prose does not. With `null_links` the links of a page
    without neighbours are null, as has been seen; without it they are left out, as the schema has it. The size of
    a report's page is documented nowhere: `report_page_size` rows. Links lead to Klaviyo, whoever asked, as the
    API's do; with `own_links` they lead to the sandbox, for clients that follow them as they are. With `compress`
    answers are packed for those who take gzip, as on their way across the Internet; on loopback that only costs time.
    """

    maton_key: str
    keys: dict[str, Collection[str] | None] = field(default_factory=dict)
    rate_limits: bool = False
    events_page_max: int | None = None
    null_links: bool = False
    report_page_size: int = 100
    own_links: bool = False
    compress: bool = False
