"""The pickers of an account's things: each a view of a state, and usable alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.widgets import options
from klaviyo_analytics.widgets.background import in_words, silently
from klaviyo_analytics.widgets.base_view import LABELLED, View, check_client, check_state
from klaviyo_analytics.widgets.choice_view import ChoiceView
from klaviyo_analytics.widgets.choices import ChoiceState, Option, Wanted, ids_of

Read = Callable[[KlaviyoClient], Sequence[Option]]


class _AccountPicker(ChoiceView):
    """A choice among what an account has; read once, when it is made, and again by its button."""

    _read: Read
    _title: str
    _resource: str
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
            resource=self._resource,
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

    _read = staticmethod(options.metrics)
    _title = "Metrics"
    _resource = "metric"
    _grouped = "Integration"
    _under_headings = True


class ListPicker(_AccountPicker):
    """Choose lists; `value` has their ids. See `MetricPicker` for its parameters."""

    _read = staticmethod(options.lists)
    _title = "Lists"
    _resource = "list"


class SegmentPicker(_AccountPicker):
    """Choose segments; `value` has their ids. See `MetricPicker` for its parameters."""

    _read = staticmethod(options.segments)
    _title = "Segments"
    _resource = "segment"


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

    _read = staticmethod(options.campaigns)
    _title = "Campaigns"
    _resource = "campaign"
    _grouped = "Channel"


class FlowPicker(_AccountPicker):
    """Choose flows; `value` has their ids. See `MetricPicker` for its parameters."""

    _read = staticmethod(options.flows)
    _title = "Flows"
    _resource = "flow"
    _grouped = "Status"


NONE = "no grouping"


class DimensionPicker(View):
    """Choose what numbers are grouped by: nothing, one dimension, or several.

    Dimensions that hold people's telephone numbers are left out: a saved notebook must not show them.

    Parameters
    ----------
    state : ChoiceState, optional
        Share it to let two pickers show one choice.

    Examples
    --------
    >>> from klaviyo_analytics.widgets import DimensionPicker
    >>> picker = DimensionPicker()
    >>> picker.choose("$attributed_channel", "Inbox Provider")
    >>> picker.value
    ['$attributed_channel', 'Inbox Provider']
    >>> picker.close()
    """

    def __init__(self, state: ChoiceState | None = None) -> None:
        check_state(self, state, ChoiceState)
        self.state = state if state is not None else ChoiceState(options.dimensions())
        self._boxes: list[Any] = []
        self._writing = False
        self._rows = ipywidgets.VBox([])
        super().__init__([self._rows])
        self.add_class("kla-dimension")
        self.watch(self.state, ["options", "selected"], self._show)

    @property
    def value(self) -> list[str]:
        """The dimensions, as `by=` takes them."""
        return self.state.values

    def choose(self, *wanted: Wanted) -> None:
        """Choose by name, instead of what was chosen; of nothing, let all go.

        Raises
        ------
        NoMatchError
            No dimension is called so.
        """
        self.state.selected = ids_of(wanted, self.state.options, resource="dimension", grouped="Group")

    def _take(self, place: int, id: str) -> None:
        if self._writing:
            return
        chosen = list(self.state.selected)
        chosen[place : place + 1] = [id] if id else []
        self.state.selected = tuple(chosen)

    def _show(self, _change: Any) -> None:
        """Show a box for each chosen dimension, and an empty one for the next."""
        selected = self.state.selected
        needed = len(selected) + 1 if self.state.multiple else 1
        while len(self._boxes) < needed:
            self._add_box()
        self._writing = True
        for place, box in enumerate(self._boxes):
            own = selected[place] if place < len(selected) else ""
            box.layout.display = None if place < needed else "none"
            free = [each for each in self.state.options if each.id == own or each.id not in selected]
            offered = [(NONE if place == 0 else "–", ""), *((each.name, each.id) for each in free)]
            if list(box.options) != offered:
                box.options = offered
            box.value = own
        self._writing = False

    def _add_box(self) -> None:
        place = len(self._boxes)
        box = ipywidgets.Dropdown(
            description="and by" if place else "Group by",
            options=[("", "")],
            layout={"width": "auto"},
            style=LABELLED,
        )
        box.observe(lambda change: self._take(place, change["new"]), names="value")
        self._boxes.append(box)
        self._rows.children = tuple(self._boxes)
