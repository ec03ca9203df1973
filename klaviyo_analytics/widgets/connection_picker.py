"""Which account: the connections of a gateway key, and the way to a new one."""

from __future__ import annotations

from typing import Any

import ipywidgets

from klaviyo_analytics.connections import Connection, Connections
from klaviyo_analytics.errors import KlaviyoError
from klaviyo_analytics.widgets import options
from klaviyo_analytics.widgets.background import Loader, RunState, in_words
from klaviyo_analytics.widgets.base_view import check, check_state, note
from klaviyo_analytics.widgets.choice_view import ChoiceView
from klaviyo_analytics.widgets.choices import ChoiceState, Option
from klaviyo_analytics.widgets.private_page import Aside, aside

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
            frame = self._connections.list()
        except KlaviyoError as error:
            self.state.problem = in_words(error)
            return
        self.state.offer(
            Option(
                row["id"],
                row["id"],
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
