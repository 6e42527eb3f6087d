"""Instances that few draws are like, kept as they were found: whatever strategies draw since."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from ncfcheck.model.encoding import decode

STORED = Path(__file__).with_name("instances.json")


@cache
def _read() -> dict[str, dict]:
    return json.loads(STORED.read_text())


def stored(name: str):
    """The instance of this name: that of the claim it is about, and its seed and number once."""
    return decode(_read()[name])
