"""Reading files that anybody may have made; standard library only."""

from __future__ import annotations

import os

LARGEST = 20_000_000  # bytes


def text(path) -> str:
    """What a file holds in UTF-8, LARGEST bytes at most, without a byte order mark, as editors put
    one before it. Raises OSError, ValueError.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # to open a pipe would wait
        raise OSError(0, "not a regular file")
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST // 10**6} MB")
    return content.decode("utf-8-sig")
