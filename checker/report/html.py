"""The run as one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Callable

from ncfcheck.core.files import write
from ncfcheck.report.page import Extras, render
from ncfcheck.verdicts.events import Event
from ncfcheck.verdicts.report import Report


class HtmlFile:
    """Writes the page of a finished run to `path`, with what `extras(results)` is besides."""

    def __init__(
        self, path, extras: Callable[..., Extras] = lambda results: Extras(), strict: bool = False
    ):
        self.path, self.extras, self.strict = path, extras, strict

    def __call__(self, event: Event) -> None:
        if isinstance(event, Report):
            page = render(event, self.extras(event.claims), self.strict)
            write(self.path, page.encode("utf-8", "replace"))
