"""Names, towns and mailboxes to draw people from: many scripts, all invented, nobody's address."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A town; `share` is how much of the shop's people live there."""

    country: str
    region: str | None
    city: str
    zip: str | None
    latitude: float
    longitude: float
    timezone: str
    locale: str
    currency: str
    share: float


PLACES = (
    Place("United States", "NY", "New York", "10013", 40.72, -74.0, "America/New_York", "en-US", "USD", 18),
    Place("United States", "MA", "Boston", "02118", 42.34, -71.07, "America/New_York", "en-US", "USD", 10),
    Place("United States", "IL", "Chicago", "60614", 41.92, -87.65, "America/Chicago", "en-US", "USD", 10),
    Place("United States", "CO", "Denver", "80205", 39.76, -104.97, "America/Denver", "en-US", "USD", 9),
    Place(
        "United States",
        "CA",
        "Los Angeles",
        "90026",
        34.08,
        -118.26,
        "America/Los_Angeles",
        "en-US",
        "USD",
        12,
    ),
    Place("United States", "TX", "Austin", "78704", 30.24, -97.76, "America/Chicago", "es-US", "USD", 6),
    Place("Canada", "ON", "Toronto", "M5V 2T6", 43.64, -79.39, "America/Toronto", "en-CA", "CAD", 6),
    Place("Canada", "QC", "Montréal", "H2X 1Y4", 45.51, -73.57, "America/Toronto", "fr-CA", "CAD", 3),
    Place("United Kingdom", None, "London", "E8 3PN", 51.54, -0.06, "Europe/London", "en-GB", "GBP", 6),
    Place("Germany", "BE", "Berlin", "10999", 52.5, 13.42, "Europe/Berlin", "de-DE", "EUR", 5),
    Place("France", None, "Lyon", "69001", 45.77, 4.83, "Europe/Paris", "fr-FR", "EUR", 3),
    Place("Poland", None, "Łódź", "90-001", 51.77, 19.46, "Europe/Warsaw", "pl-PL", "EUR", 2),
    Place("Israel", None, "תל אביב", "6330221", 32.08, 34.78, "Asia/Jerusalem", "he-IL", "USD", 2),
    Place("Japan", "東京都", "渋谷区", "150-0002", 35.66, 139.7, "Asia/Tokyo", "ja-JP", "JPY", 3),
    Place("India", "MH", "Mumbai", "400050", 19.06, 72.83, "Asia/Kolkata", "hi-IN", "USD", 2),
    Place("Australia", "NSW", "Sydney", None, -33.88, 151.21, "Australia/Sydney", "en-AU", "USD", 3),
)

FIRST_NAMES = (
    "Olivia", "Liam", "Emma", "Noah", "Ava", "Mateo", "Sofía", "Ethan", "Mia", "Lucas", "Amelia", "Henry",
    "Harper", "Jack", "Isla", "Leo", "Grace", "Owen", "Zoë", "Anaïs", "François", "Łukasz", "Håkon", "Jürgen",
    "Siân", "D'Arcy", "Mary-Jane", "J.R.", "Nguyễn", "Øystein", "李娜", "王伟", "さくら", "健太", "민준", "서연",
    "मीरा", "अर्जुन", "Мария", "Дмитрий", "Ελένη", "יעל", "אברהם", "محمد", "فاطمة", "ทิพย์", "Sunny ☀️",
    "Kit 🦊", 'Robert "Bob"', "Ana, María", "null", "Chloé",
)  # fmt: skip

LAST_NAMES = (
    "Smith", "Johnson", "García", "Brown", "Martinez", "O'Brien", "Nuñez", "Müller", "Schmidt", "Kowalski",
    "Ivanov", "Петрова", "Παπαδόπουλος", "Andersson", "van der Berg", "de la Cruz", "Smith-Jones", "佐藤", "鈴木",
    "陈", "김", "박", "शर्मा", "כהן", "לוי", "العلي", "Nguyễn", "Okafor", "Silva", "Rossi", "Dubois", "Novák",
    "Łuczak", "Ng", "Back\\slash", 'Quote"d', "Comma, Jr.", "Wood 🌲", "Taylor", "Wilson", "Clark", "Young",
)  # fmt: skip

#: mail domain, who runs its inboxes, share of people, share of them whose client opens mail by itself
DOMAINS = (
    ("gmail.example", "Gmail", 42, 0.16),
    ("outlook.example", "Outlook", 13, 0.05),
    ("yahoo.example", "Yahoo", 12, 0.15),
    ("icloud.example", "Apple", 13, 0.72),
    ("proton.example", "Proton", 2, 0.1),
    ("gmx.example", "GMX", 3, 0.1),
    ("mail.example.net", "Other", 4, 0.25),
    ("studio-north.example", "Google Workspace", 4, 0.2),
    ("corp.example.org", "Microsoft 365", 5, 0.05),
    ("uni-city.example", "Microsoft 365", 2, 0.05),
)

#: the company domains whose filters follow every link before a person does
SCANNED = ("corp.example.org", "uni-city.example")

#: client, its name without the version, type and system of a human open
CLIENTS = (
    ("Gmail", "Gmail", "Webmail", "Other", 30),
    ("Gmail Mobile 2026.5", "Gmail Mobile", "Mobile", "Android", 22),
    ("Apple Mail 18", "Apple Mail", "Mobile", "iOS", 24),
    ("Outlook 16", "Outlook", "Desktop", "Windows", 10),
    ("Chrome 139", "Chrome", "Desktop", "macOS", 8),
    ("Yahoo! Mail", "Yahoo! Mail", "Webmail", "Other", 6),
)
