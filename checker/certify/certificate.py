"""What certifying an instance ends in: a certificate, or the reason why there is none.

What finds certificates proves nothing: only the verifier does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ncfcheck.core.claims import Inapplicable, Unresolved
from ncfcheck.model.losses import Loss
from ncfcheck.verifier.numbers import limits

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


class NotProved(Exception):
    """There is nothing to show to the verifier; the message says why: a continuum, kink, time."""


def is_provable(instance) -> bool:
    """Whether the loss, where there is one, is one that certificates know bounds of."""
    problem = getattr(instance, "problem", None)
    return getattr(problem, "loss", Loss.SQUARE) in (Loss.SQUARE, Loss.LOGISTIC)


def no_certificates(loss) -> NotProved:
    """The reason why nothing is proved of a loss that certificates know no bounds of."""
    return NotProved(f"certificates are about the square and logistic loss, not the {loss} loss")


@dataclass(frozen=True)
class Certificate:
    """What makes the verifier's proof that an exact instance meets a claim's hypotheses and fails
    its conclusion.

    `method` is point, structured, box, flow or criterion; `data` the exact numbers that the
    verifier cannot take from the instance: plain JSON, floats in hexadecimal. `instance` is the one
    that it is about, where that is not the one given. `proves` is what the verifier proves by it,
    in a sentence: empty as long as it has not been asked.
    """

    method: str
    data: dict[str, Any] = field(default_factory=dict)
    instance: Any = None
    proves: str = ""

    def plain(self) -> dict[str, Any]:
        """The certificate as it stands in a witness."""
        return {"method": self.method, "proves": self.proves, "data": self.data}


@dataclass(frozen=True)
class Undecided:
    """No certificate was found; `reason` says why."""

    reason: str


def within(seconds: float):
    """Start the clock that `check_time` looks at, and the verifier's numbers."""
    limits.deadline = time.monotonic() + seconds
    _deadline.set(limits.deadline)


def check_time() -> None:
    """Raise NotProved when the time given is up."""
    if time.monotonic() > _deadline.get():
        raise NotProved("time is up")


def need(condition: bool, reason: str) -> None:
    """Raise NotProved with the reason unless the condition holds, as far as floats see."""
    if not condition:
        raise NotProved(reason)


def known(judge: Callable, *arguments):
    """What judge(*arguments) finds, in floats. Raises NotProved where it finds nothing."""
    try:
        return judge(*arguments)
    except (Inapplicable, Unresolved) as reason:
        raise NotProved(str(reason)) from reason


def asked(instance) -> Certificate:
    """Nothing but the instance: the verifier finds out for itself."""
    return Certificate("point")


def hexadecimal(values) -> list[str]:
    """Floats as hexadecimal strings."""
    return [float(value).hex() for value in values]
