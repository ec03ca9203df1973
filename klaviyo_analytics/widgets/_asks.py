"""What an explorer asks for: frozen when Run is pressed, so that frame, chart and code always belong together."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from klaviyo_analytics.client import KlaviyoClient


@dataclass(frozen=True)
class Frames:
    """What came back: the frame, and that of the period it is compared with."""

    frame: pd.DataFrame
    compare: pd.DataFrame | None = None


class Ask(ABC):
    """One question to the account, and how its answer is drawn and written down."""

    @abstractmethod
    def fetch(self, client: KlaviyoClient) -> Frames:
        """Read what is needed."""

    @abstractmethod
    def draw(self, frames: Frames, new: Callable[[], Axes]) -> Axes:
        """Draw the answer on new Axes, or on a figure of its own; give the (first) Axes."""

    def height(self, frames: Frames) -> float:  # noqa: ARG002  (others need the frames)
        """Give the chart's height in inches."""
        return 4.2

    @property
    @abstractmethod
    def code(self) -> str:
        """The same in Python; `client` is the client."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What it is about, in few words."""

    @property
    @abstractmethod
    def alt(self) -> str:
        """The chart in one sentence, for who cannot see it."""

    @property
    def file_name(self) -> str:
        """A name for files, without an ending."""
        return re.sub(r"[^a-z0-9]+", "_", self.subject.casefold()).strip("_")[:80] or "klaviyo"
