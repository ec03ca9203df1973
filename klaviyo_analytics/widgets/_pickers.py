"""The pickers of an account's things: each a view of a state, and usable alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.widgets import _options
from klaviyo_analytics.widgets._choice_view import ChoiceView
from klaviyo_analytics.widgets._choices import ChoiceState, Option
from klaviyo_analytics.widgets._given import check_client, check_state
from klaviyo_analytics.widgets._loading import in_words, silently

Read = Callable[[KlaviyoClient], Sequence[Option]]


class _AccountPicker(ChoiceView):
    """A choice among what an account has; read once, when it is made, and again by its button."""

    _read: Read
    _title: str
    _noun: str
    _grouped = "Group"
    _under_headings = False

    def __init__(
        self,
        client: KlaviyoClient,
        *,
        state: ChoiceState | None = None,
        multiple: bool = True,
        title: str | None = None,
    ) -> None:
        check_client(self, client)
        check_state(self, state, ChoiceState)
        self._client = client
        shared = state is not None and bool(state.options)
        state = state if state is not None else ChoiceState(multiple=multiple)
        self._again = ipywidgets.Button(description="Try again", layout={"display": "none"})
        super().__init__(
            state,
            title=title or self._title,
            noun=self._noun,
            grouped=self._grouped,
            headings=self._under_headings,
            more=[self._again],
        )
        self._again.on_click(lambda _button: self.refresh())
        if not shared:
            self.refresh()

    @property
    def value(self) -> list[Any]:
        """What a query takes for the chosen ones."""
        return self.state.values

    def refresh(self) -> None:
        """Read what the account has; an error is shown, not raised."""
        try:
            self.state.offer(silently(lambda: type(self)._read(self._client)))
        except KlaviyoError as error:
            self.state.problem = in_words(error)
        self._again.layout.display = None if self.state.problem or self.state.empty else "none"


class MetricPicker(_AccountPicker):
    """Choose metrics: search as you type, several at once, each integration under its heading.

    Those that were run most often come first, then the usual ones; the others follow by integration and name.
    Nothing is chosen to begin with; `choose` does it by name, `choose_first` takes what is offered first.

    Parameters
    ----------
    client : KlaviyoClient
    state : ChoiceState, optional
        Share it to let two pickers show one choice.
    multiple : bool
        Whether several may be chosen.
    title : str, optional
        What stands above.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> from klaviyo_analytics.widgets import MetricPicker
    >>> with ka.demo(profiles=100, events=500) as client:
    ...     picker = MetricPicker(client)
    >>> picker.choose("Opened Email", ("Placed Order", "Shopify"))
    >>> picker.value
    ['Opened Email', ('Placed Order', 'Shopify')]
    >>> picker.close()
    """

    _read = staticmethod(_options.metrics)
    _title = "Metrics"
    _noun = "metric"
    _grouped = "Integration"
    _under_headings = True


class ListPicker(_AccountPicker):
    """Choose lists; `value` has their ids. See `MetricPicker` for its parameters."""

    _read = staticmethod(_options.lists)
    _title = "Lists"
    _noun = "list"


class SegmentPicker(_AccountPicker):
    """Choose segments; `value` has their ids. See `MetricPicker` for its parameters."""

    _read = staticmethod(_options.segments)
    _title = "Segments"
    _noun = "segment"


class CampaignPicker(_AccountPicker):
    """Choose campaigns, the latest first; `value` has their ids. See `MetricPicker` for its parameters.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> with ka.demo(profiles=100, events=500) as client:
    ...     picker = ka.widgets.CampaignPicker(client, multiple=False)
    ...     picker.choose_first()  # the latest
    ...     latest = client.campaigns.get(picker.value[0])
    >>> picker.choose(latest)  # a row, an id or a name
    >>> picker.close()
    """

    _read = staticmethod(_options.campaigns)
    _title = "Campaigns"
    _noun = "campaign"
    _grouped = "Channel"


class FlowPicker(_AccountPicker):
    """Choose flows; `value` has their ids. See `MetricPicker` for its parameters."""

    _read = staticmethod(_options.flows)
    _title = "Flows"
    _noun = "flow"
    _grouped = "Status"
