"""Instances and messages as one line of text, whatever they contain."""

from __future__ import annotations

import re

DESCRIPTION = 200  # characters kept of an instance that does not describe itself


def describe(instance) -> str:
    """The instance in one line: its own `describe()`, otherwise its repr, shortened."""
    if hasattr(instance, "describe"):
        return one_line(instance.describe())
    # Where Python keeps an object is another place in every process.
    return one_line(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(instance)), DESCRIPTION)


def one_line(text: str, limit: int = 4 * DESCRIPTION) -> str:
    """The text on one line of up to `limit` characters, ? for what may control a terminal."""
    text = printable(" ".join(str(text).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(text: str) -> str:
    """The text, ? for what may control a terminal, or start another line."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "?" for each in text)
