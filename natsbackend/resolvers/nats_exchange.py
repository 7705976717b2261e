"""What is in flight on a `Wire`: requests sent, replies counted, and how much more may be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

OPEN_REQUESTS = 2048
"""At most so many requests wait for their first reply; more are sent when half of them are answered."""
OPEN_BYTES = 4 << 20
"""At most so many bytes wait for a first reply, sent or expected (a single larger request is still sent).

A server ends a connection that has 64 MiB to read (`max_pending`).
"""

Request = tuple[str, bytes]
"""Subject and payload."""
Take = Callable[[int, bytes], None]
"""Called for each reply with the index of its request. If it raises a `ResolverError`, the exchange ends."""


class Exchange:
    """The state of one batch of requests; `each` is how many replies each is due, below 0 if nobody knows."""

    __slots__ = (
        "_counts", "_open_bytes", "_open_requests",
        "base", "before", "done", "each", "heard", "next", "requests", "sizes", "take", "unfinished",
    )  # fmt: skip

    def __init__(
        self,
        *,
        requests: Sequence[Request],
        before: Sequence[Request] = (),
        sizes: Sequence[int] = (),
        base: int,
        each: int,
        take: Take,
    ) -> None:
        self.requests, self.before, self.base, self.each, self.take = requests, before, base, each, take
        self.sizes = sizes or [len(payload) for _, payload in requests]
        self.next = 0
        self.unfinished = len(requests)
        self.heard = 0
        self.done = asyncio.Event()
        self._counts = [0] * len(requests)
        self._open_requests = 0
        self._open_bytes = 0
        if not requests:
            self.done.set()

    def has_room(self) -> bool:
        """Tell whether the next request may go out."""
        size = self.sizes[self.next]
        return self._open_requests == 0 or (
            self._open_requests < OPEN_REQUESTS and self._open_bytes + size <= OPEN_BYTES
        )

    def sent(self) -> int:
        """Count the next request, which goes out now, and return its number."""
        index = self.next
        self.next += 1
        self._open_requests += 1
        self._open_bytes += self.sizes[index]
        return index

    def replied(self, index: int) -> bool:
        """Count a reply, and tell whether there is room for many more requests.

        The first reply of a request makes room: a silent second server holds nobody up.
        """
        self.heard += 1
        self._counts[index] = count = self._counts[index] + 1
        if count == self.each:
            self.unfinished -= 1
            if self.unfinished == 0:
                self.done.set()
        if count > 1:
            return False
        self._open_requests -= 1
        self._open_bytes -= self.sizes[index]
        return (
            self.next < len(self.requests)
            and self._open_requests <= OPEN_REQUESTS // 2
            and self._open_bytes <= OPEN_BYTES // 2
        )
