"""A bounded sample of the margins of instances, whatever order they come in; samples add up."""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass, field

SIZE = 400  # margins kept of one claim


@dataclass
class Sample:
    """The margins of the `size` instances of smallest hashes: chance, but the same in every run.

    An entry is (minus the hash, value, error); entries are a heap, its first the one that goes
    next.
    """

    size: int = SIZE
    entries: list[tuple[int, float, float]] = field(default_factory=list)

    def add(self, description: str, value: float, error: float) -> None:
        """Consider the margin of one instance."""
        digest = hashlib.blake2b(
            description.encode("utf-8", "surrogatepass"), digest_size=7
        ).digest()
        self._consider((-int.from_bytes(digest), float(value), float(error)))

    def _consider(self, entry: tuple[int, float, float]) -> None:
        if len(self.entries) < self.size:
            heapq.heappush(self.entries, entry)
        else:
            heapq.heappushpop(self.entries, entry)

    def __iadd__(self, other: Sample) -> Sample:
        """Add the sample of other instances."""
        for entry in other.entries:
            self._consider(entry)
        return self

    @property
    def margins(self) -> tuple[tuple[float, float], ...]:
        """Pairs (value, error) from the smallest value to the largest."""
        return tuple(sorted((value, error) for _, value, error in self.entries))
