"""Base of all states: unknown attributes and invalid values raise."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from traitlets import HasTraits, TraitError

from klaviyo_analytics._messages import explained_methods
from klaviyo_analytics.errors import InvalidInputError
from klaviyo_analytics.resources._reading import instead


class State(HasTraits):
    """Traits to set, and parts, annotated in the class, that are there from the beginning and stay."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        explained_methods(cls)

    if not TYPE_CHECKING:  # a type checker refuses unknown attributes only where it sees no such method

        def __setattr__(self, name: str, value: Any) -> None:
            own = not name.startswith("_") and not hasattr(HasTraits, name)  # traitlets sets some for itself
            if own and not self.has_trait(name):
                self._refuse_unless_begun(name)
            try:
                super().__setattr__(name, value)
            except TraitError as error:
                wanted = self.traits()[name].info() if self.has_trait(name) else error
                raise InvalidInputError(f"{name}={value!r}: give {wanted}.") from error

    def _refuse_unless_begun(self, name: str) -> None:
        """Raise for an attribute that is not a trait, unless it is a part set for the first time."""
        kind = type(self).__name__
        parts = {part for each in type(self).__mro__ for part in inspect.get_annotations(each)}
        parts = {part for part in parts - set(self.traits()) if not part.startswith("_")}
        if name in parts and name not in vars(self):
            return
        if name in parts or hasattr(type(self), name):
            raise InvalidInputError(f"{kind}.{name} cannot be replaced; {self._settable()}")
        raise InvalidInputError(f"{kind} has no {name!r}.{instead(name, [*self.traits(), *parts])}")

    def _settable(self) -> str:
        return f"to set there are {', '.join(sorted(self.traits()))}, and what is in its parts."


def one_of(name: str, value: Any, allowed: Any) -> Any:
    """Return the value if it is allowed.

    Raises
    ------
    InvalidInputError
        The message lists the allowed values.
    """
    if value not in allowed:
        raise InvalidInputError(f"{name}={value!r} is not known; there are {', '.join(map(repr, allowed))}.")
    return value
