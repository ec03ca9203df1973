"""The pickers of an account's things: each a view of a state, and usable alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import pandas as pd

from klaviyo_analytics.client import KlaviyoClient
from klaviyo_analytics.connections import Connection, Connections
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.widgets import choices as options
from klaviyo_analytics.widgets.background import Loader, RunState, in_words, silently
from klaviyo_analytics.widgets.base_view import LABELLED, View, check, check_client, check_state, note
from klaviyo_analytics.widgets.choice_view import ChoiceView
from klaviyo_analytics.widgets.choices import ChoiceState, Option, Wanted, ids_of
from klaviyo_analytics.widgets.private_page import Aside, aside

Read = Callable[[KlaviyoClient], Sequence[Option]]


class _AccountPicker(ChoiceView):
    """A choice among what an account has; read once, when it is made, and again by its button."""

    _read: Read
    _title: str
    _resource: str
    _grouped = "Group"
    _in_sections = False

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
            sections=self._in_sections,
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
    """Choose metrics: search as you type, several at once, each with its integration.

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
    _in_sections = True


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


KIND = "connection"


class ConnectionPicker(ChoiceView):
    """Choose one of the gateway's connections, or make a new one and wait until its owner has allowed it.

    The link that its owner opens holds a session token, and what a widget shows is saved with the notebook. So the
    picker shows an address on this machine that leads on to the link, for as long as it waits; `link` has the link
    itself, to be passed on. The choice is remembered for the next time.

    Parameters
    ----------
    connections : Connections, optional
        `ka.Connections()`, if not given.
    state : ChoiceState, optional
        Share it to let two pickers show one choice.

    Examples
    --------
    >>> import klaviyo_analytics as ka
    >>> from klaviyo_analytics.sandbox import Sandbox
    >>> with Sandbox(profiles=50, events=500) as sandbox:
    ...     connections = ka.Connections(api_key=sandbox.maton_key, base_url=sandbox.control_url)
    ...     picker = ka.widgets.ConnectionPicker(connections)
    >>> [option.group for option in picker.state.options]
    ['active']
    >>> picker.close()
    """

    _link: str | None = None
    _aside: Aside | None = None

    def __init__(self, connections: Connections | None = None, *, state: ChoiceState | None = None) -> None:
        if connections is not None:
            check(
                self,
                "connections",
                connections,
                Connections,
                "ka.Connections(), or none for those of your key",
            )
        check_state(self, state, ChoiceState)
        self._connections = connections if connections is not None else Connections(progress=False)
        self.run = RunState()
        self._loader = Loader(self.run)
        self._new = ipywidgets.Button(description="New connection", layout={"width": "130px"})
        self._refresh = ipywidgets.Button(description="Refresh", layout={"width": "80px"})
        self._cancel = ipywidgets.Button(description="Cancel", layout={"width": "80px"})
        self._status = ipywidgets.HTML()
        buttons = ipywidgets.HBox([self._new, self._refresh, self._cancel])
        super().__init__(
            state if state is not None else ChoiceState(multiple=False),
            title="Connections",
            resource="connection",
            grouped="Status",
            more=[buttons, self._status],
        )
        self._new.on_click(lambda _button: self.create())
        self._refresh.on_click(lambda _button: self.refresh())
        self._cancel.on_click(lambda _button: self._loader.cancel())
        self.refresh()
        self.watch(self.state, ["selected"], self._keep)
        self.watch(self.run, ["status", "message"], self._show_run)

    @property
    def value(self) -> str | None:
        """The id, as `ka.connect(connection=...)` takes it."""
        return next(iter(self.state.values), None)

    @property
    def link(self) -> str | None:
        """What the account's owner opens to allow access, while it is waited for. It holds a session token."""
        return self._link

    def refresh(self) -> None:
        """Read the connections; an error is shown, not raised."""
        try:
            frame = self._connections.list()  # with names, each asked for once
        except KlaviyoError as error:
            self.state.problem = in_words(error)
            return
        self.state.offer(
            Option(
                row["id"],
                row["id"] if pd.isna(row["account"]) else f"{row['account']} · {row['id']}",
                str(row["status"]).casefold(),
                row["id"],
                when=f"{row['created']:%Y-%m-%d}",
            )
            for _, row in frame.sort_values("status", kind="stable").iterrows()
        )
        before = options.last("", KIND)
        if not self.state.selected and before in {option.id for option in self.state.options}:
            self.state.selected = (str(before),)

    def create(self) -> None:
        """Make a connection, show its link, and wait in the background until it is active."""
        if self.run.running:
            return
        try:
            made = self._connections.create()
        except KlaviyoError as error:
            self.run.end("failed", in_words(error))
            return
        self._link = made.url if made.url and made.url.startswith("https://") else None
        self._aside = aside(link=self._link) if self._link else None
        self._loader.start(lambda: self._connections.wait_until_active(made), self._allowed)

    def close(self) -> None:
        """Wait no longer, and let go of everything."""
        if loader := getattr(self, "_loader", None):
            loader.cancel()
        self._forget_link()
        super().close()

    def _forget_link(self) -> None:
        self._link = None
        if self._aside is not None:
            self._aside.close()
            self._aside = None

    def _allowed(self, connection: Connection) -> str:
        self.refresh()
        self.state.selected = (connection.id,)
        return "The connection is active and chosen."

    def _keep(self, _change: Any) -> None:
        if self.state.selected:
            options.remember("", KIND, self.state.selected)

    def _show_run(self, _change: Any) -> None:
        run = self.run
        self._new.disabled, self._cancel.disabled = run.running, not run.running
        if not run.running:
            self._forget_link()
            kind = "problem" if run.status == "failed" else "muted"
            self._status.value = note(run.message, kind=kind, role="alert" if kind == "problem" else "status")
        else:
            self._status.value = note("Waiting until the account is connected …") + self._way()

    def _way(self) -> str:
        """Show where to allow access, without the link itself."""
        if self._link is None:
            return ""
        elsewhere = (
            "Elsewhere, <code>.link</code> is the address to pass on; clear its output before you save."
        )
        if self._aside is None:
            return f'<div class="kla-note">{elsewhere}</div>'
        return (
            f'<a href="{self._aside.address}" target="_blank" rel="noopener noreferrer">Open Klaviyo to allow '
            f'access</a><div class="kla-note kla-muted">Works in a browser on this machine. {elsewhere}</div>'
        )
