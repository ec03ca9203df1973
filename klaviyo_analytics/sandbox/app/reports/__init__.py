"""The seven reports: campaigns, flows, forms and segments, as values and as series.

- `question.py` reads a request, with `frames.py` for its time and `conditions.py` for its filter.
- `messages.py`, `forms.py` and `segments.py` count: `deliveries.py` knows when each message was sent,
  `tallies.py` counts by row and interval, `statistics.py` makes statistics of the counts.
- `answer.py` writes the rows, page by page.
"""

from klaviyo_analytics.sandbox.app.reports.messages import HANDLERS as MESSAGES

HANDLERS = {**MESSAGES}
