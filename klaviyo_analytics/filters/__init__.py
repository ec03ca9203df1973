"""Filter expressions: `F` builds them with the quoting that Klaviyo wants, `parse` reads raw ones.

>>> from klaviyo_analytics import F
>>> str((F.email == "ann@mail.example.net") & (F.created > "2026-01-01"))
'and(equals(email,"ann@mail.example.net"),greater-than(created,2026-01-01T00:00:00Z))'
"""

from klaviyo_analytics.filters.fields import OPERATORS, Condition, F, Filter, as_filter, literal, parse

__all__ = ["OPERATORS", "Condition", "F", "Filter", "as_filter", "literal", "parse"]
