"""Reading files that anybody may have made; standard library only."""

from __future__ import annotations

import json
import os
import stat

LARGEST = 20_000_000  # bytes
VALUES = 2_000_000  # of JSON, about: each may take 100 bytes of memory, and 2 µs


def text(path) -> str:
    """What a regular file holds in UTF-8, LARGEST bytes at most, without a byte order mark, as
    editors put one before it. Raises OSError, ValueError.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # to open a device may do something
        raise OSError(0, "not a regular file")
    # What has become a pipe since is opened without waiting for who writes to it.
    with open(path, "rb", opener=_opened) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "not a regular file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST // 10**6} MB")
    return content.decode("utf-8-sig")


def _opened(path, flags) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def load(path) -> dict:
    """A file's JSON object, of a form that all readers of JSON take for the same: each name once in
    an object, no numbers but integers, no half characters.

    Raises OSError, ValueError, RecursionError.
    """
    content = text(path)
    if sum(map(content.count, "[{,")) > VALUES:
        raise ValueError(f"more than {VALUES} values")
    document = json.loads(
        content,
        object_pairs_hook=_object,
        parse_float=_refused,
        parse_constant=_refused,
    )
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if "\\u" in content:
        json.dumps(document, ensure_ascii=False).encode()  # UnicodeError for half a character
    return document


def _object(pairs) -> dict:
    found: dict = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:40]!r} stands twice in an object")
        found[name] = value
    return found


def _refused(number: str):
    raise ValueError(f"{number[:40]}: floats are hexadecimal, in quotes")
