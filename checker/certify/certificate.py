"""What certifying an instance ends in: a certificate, or the reason why there is none."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ncfcheck.core.claims import Inapplicable, Unresolved

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


class NotProved(Exception):
    """A step of a proof fails; the message says which: an undecided sign, continuum, kink, time."""


def no_certificates(loss) -> NotProved:
    """The reason why nothing is proved of a loss that certificates know no bounds of."""
    return NotProved(f"no certificates for the {loss} loss")


@dataclass(frozen=True)
class Certificate:
    """A proof that an exact instance meets a claim's hypotheses and fails its conclusion.

    `method` is point, structured or box, `proves` what is proved in one sentence, `data` the exact
    numbers that the verifier cannot take from the instance: plain JSON, floats in hexadecimal.
    `instance` is the one that it is about, where that is not the one given.
    """

    method: str
    proves: str
    data: dict[str, Any] = field(default_factory=dict)
    instance: Any = None

    def plain(self) -> dict[str, Any]:
        """The certificate as it stands in a witness."""
        return {"method": self.method, "proves": self.proves, "data": self.data}


@dataclass(frozen=True)
class Undecided:
    """No certificate was found; `reason` says why."""

    reason: str


def within(seconds: float):
    """Start the clock that `check_time` looks at."""
    _deadline.set(time.monotonic() + seconds)


def check_time() -> None:
    """Raise NotProved when the time given is up."""
    if time.monotonic() > _deadline.get():
        raise NotProved("time is up")


def need(condition: bool, reason: str) -> None:
    """Raise NotProved with the reason unless the condition is proved."""
    if not condition:
        raise NotProved(reason)


def known(judge: Callable, *arguments):
    """What judge(*arguments) finds, in floats. Raises NotProved where it finds nothing."""
    try:
        return judge(*arguments)
    except (Inapplicable, Unresolved) as reason:
        raise NotProved(str(reason)) from reason


def hexadecimal(values) -> list[str]:
    """Floats as hexadecimal strings."""
    return [float(value).hex() for value in values]
