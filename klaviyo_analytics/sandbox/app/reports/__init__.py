"""The seven reports: campaigns, flows, forms and segments, as values and as series.

- `question.py` reads a request, with `frames.py` for its time and `conditions.py` for its filter.
- `messages.py` (campaigns and flows), `forms.py` and `segments.py` find what is to be counted. Of messages,
  `mailings.py` knows the names, `audiences.py` the recipients, and `deliveries.py` when each was sent.
- `tallies.py` counts by row and interval; `statistics.py` makes the statistics of messages out of counts.
- `answer.py` writes the rows, page by page.
"""

from klaviyo_analytics.sandbox.app.reports import audience, messages

HANDLERS = {**messages.HANDLERS, **audience.HANDLERS}
