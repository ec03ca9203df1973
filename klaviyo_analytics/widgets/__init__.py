"""Choose connections, metrics and days by clicking; see the frame and the chart, and take the code along.

Every view is an ipywidget on a plain state (`.state`, traitlets) that works without a browser. Only Run asks the
account for numbers.

A notebook saved with its widgets holds what they show: names of metrics, lists, segments, campaigns and flows,
charts, the first rows of tables, and code. It holds no key, no link of a connection, and nobody's profile: email
addresses and telephone numbers are taken out of tables and charts, and a plan's keys are shortened. What a cell shows
by itself (a frame of profiles, `plan.preview()`, a plan or a result, `ConnectionPicker.link`) is an output like any
other and is saved as it stands: clear it before you pass the notebook on.
"""

from klaviyo_analytics.widgets.analysis_explorer import AnalysisExplorer, AnalysisExplorerState
from klaviyo_analytics.widgets.choices import ChoiceState, Option
from klaviyo_analytics.widgets.dates import DateRangePicker, DateRangeState
from klaviyo_analytics.widgets.explorers import (
    CampaignExplorer,
    FlowExplorer,
    MetricExplorer,
    MetricExplorerState,
    SummaryExplorerState,
)
from klaviyo_analytics.widgets.pickers import (
    CampaignPicker,
    ConnectionPicker,
    DimensionPicker,
    FlowPicker,
    ListPicker,
    MetricPicker,
    SegmentPicker,
)
from klaviyo_analytics.widgets.plan_view import PlanState, PlanView
from klaviyo_analytics.widgets.queries import labelled
from klaviyo_analytics.widgets.segment_explorer import SegmentExplorer, SegmentExplorerState

__all__ = [
    "AnalysisExplorer",
    "AnalysisExplorerState",
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
    "SegmentExplorer",
    "SegmentExplorerState",
    "SegmentPicker",
    "SummaryExplorerState",
    "labelled",
]
