"""Frame to Axes: pictures of finished frames.

A plot draws what its frame holds: it fetches nothing, adds nothing up, shows nothing and changes no setting.
"""

from klaviyo_analytics.plots._style import style
from klaviyo_analytics.plots.trend import metric_trend

__all__ = ["metric_trend", "style"]
