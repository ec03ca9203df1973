"""Countries by their ISO codes: the names that profiles have, calling codes, and the regions they make."""

from __future__ import annotations

# code: name, calling code; a segment about any other country is refused.
COUNTRIES: dict[str, tuple[str, str]] = {
    "AT": ("Austria", "43"),
    "AU": ("Australia", "61"),
    "BE": ("Belgium", "32"),
    "BG": ("Bulgaria", "359"),
    "BR": ("Brazil", "55"),
    "CA": ("Canada", "1"),
    "CH": ("Switzerland", "41"),
    "CN": ("China", "86"),
    "CY": ("Cyprus", "357"),
    "CZ": ("Czechia", "420"),
    "DE": ("Germany", "49"),
    "DK": ("Denmark", "45"),
    "EE": ("Estonia", "372"),
    "ES": ("Spain", "34"),
    "FI": ("Finland", "358"),
    "FR": ("France", "33"),
    "GB": ("United Kingdom", "44"),
    "GR": ("Greece", "30"),
    "HR": ("Croatia", "385"),
    "HU": ("Hungary", "36"),
    "IE": ("Ireland", "353"),
    "IL": ("Israel", "972"),
    "IN": ("India", "91"),
    "IT": ("Italy", "39"),
    "JP": ("Japan", "81"),
    "LT": ("Lithuania", "370"),
    "LU": ("Luxembourg", "352"),
    "LV": ("Latvia", "371"),
    "MT": ("Malta", "356"),
    "MX": ("Mexico", "52"),
    "NL": ("Netherlands", "31"),
    "NO": ("Norway", "47"),
    "NZ": ("New Zealand", "64"),
    "PL": ("Poland", "48"),
    "PT": ("Portugal", "351"),
    "RO": ("Romania", "40"),
    "SE": ("Sweden", "46"),
    "SI": ("Slovenia", "386"),
    "SK": ("Slovakia", "421"),
    "US": ("United States", "1"),
}
UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
REGIONS = {
    "united_states": frozenset({"United States"}),
    "european_union": frozenset(COUNTRIES[code][0] for code in UNION.split()),
}


def calls_from(phone: str, codes: list[str]) -> bool:
    """Tell whether a number belongs to one of some countries; those that share a calling code are not told apart."""
    return any(phone.startswith("+" + COUNTRIES[code.upper()][1]) for code in codes)
