"""Choose connections, metrics and days by clicking; see the frame and the chart, and take the code along.

Every view is an ipywidget on a plain state (`.state`, traitlets) that works without a browser. Only Run asks the
account for numbers.

A notebook saved with its widgets holds what they show: names of metrics, lists, segments, campaigns and flows,
charts, the first rows of tables, and code. It holds no key, no link of a connection, and nobody's profile: e-mail
addresses and telephone numbers are taken out of tables and charts, and a plan's keys are shortened. What a cell shows
by itself (a frame of profiles, `plan.preview()`, a plan or a result, `ConnectionPicker.link`) is an output like any
other and is saved as it stands: clear it before you pass the notebook on.
"""

from klaviyo_analytics.widgets._choices import ChoiceState, Option
from klaviyo_analytics.widgets._connections import ConnectionPicker
from klaviyo_analytics.widgets._date_view import DateRangePicker
from klaviyo_analytics.widgets._dates import DateRangeState
from klaviyo_analytics.widgets._dimensions import DimensionPicker
from klaviyo_analytics.widgets._explorer_state import MetricExplorerState
from klaviyo_analytics.widgets._explorers import MetricExplorer
from klaviyo_analytics.widgets._pickers import (
    CampaignPicker,
    FlowPicker,
    ListPicker,
    MetricPicker,
    SegmentPicker,
)
from klaviyo_analytics.widgets._plan_state import PlanState
from klaviyo_analytics.widgets._plan_view import PlanView
from klaviyo_analytics.widgets._summary_explorers import CampaignExplorer, FlowExplorer, SummaryExplorerState

__all__ = [
    "CampaignExplorer",
    "CampaignPicker",
    "ChoiceState",
    "ConnectionPicker",
    "DateRangePicker",
    "DateRangeState",
    "DimensionPicker",
    "FlowExplorer",
    "FlowPicker",
    "ListPicker",
    "MetricExplorer",
    "MetricExplorerState",
    "MetricPicker",
    "Option",
    "PlanState",
    "PlanView",
    "SegmentPicker",
    "SummaryExplorerState",
]
