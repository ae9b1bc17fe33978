"""Who is told how a decomposition goes: nobody, or a bar on standard error. Thread: worker."""

import sys
from typing import Any, Protocol

from tqdm import tqdm

__all__ = ["Bar", "Progress", "Silent"]


class Progress(Protocol):
    """Somebody to tell."""

    def begin(self, step: str, total: int) -> None:
        """A step of `total` parts begins."""

    def advance(self, count: int = 1) -> None:
        """So many parts are done."""

    def tell(self, **facts: object) -> None:
        """How well it goes: names and numbers, shown beside the step."""

    def say(self, line: str) -> None:
        """Something that stays to be read."""

    def close(self) -> None:
        """Nothing more comes."""


class Silent:
    """Tells nobody."""

    def begin(self, step: str, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""

    def tell(self, **facts: object) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class Bar:
    """A bar on standard error that is drawn anew for every step.

    Args:
        title: of the recording.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: tqdm[Any] = tqdm(desc=title or "decompose", unit="")
        self._facts: dict[str, object] = {}

    def begin(self, step: str, total: int) -> None:
        """Show the step's name; the bar starts over."""
        self._bar.reset(total=max(total, 1))
        self._bar.set_description(f"{self._title}: {step}")

    def advance(self, count: int = 1) -> None:
        """Move on."""
        self._bar.update(count)

    def tell(self, **facts: object) -> None:
        """Show facts; they stay until they are told again."""
        self._facts.update(facts)
        self._bar.set_postfix(self._facts)

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()
