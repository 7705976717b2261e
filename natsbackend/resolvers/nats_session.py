"""A login that survives the end of a connection: what is safe to do again is done again over the next URL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from natsbackend.errors import ResolverUnavailable
from natsbackend.resolvers.interface import PushInterrupted
from natsbackend.resolvers.nats_wire import Login, Wire

_T = TypeVar("_T")

_PAUSES = (0.1, 0.3, 0.9)
"""Seconds before each further try: long enough for a server to come back, short enough to wait for."""


class Session:
    """A connection, and how to get another one."""

    def __init__(self, urls: Sequence[str], login: Login, wire: Wire) -> None:
        self.urls = tuple(urls)
        self.login = login
        self._wire = wire

    @classmethod
    async def open(cls, urls: Sequence[str], login: Login) -> Session:
        """Connect to the first server that answers; raises as `Wire.connect`."""
        return cls(urls, login, await Wire.connect(urls, login))

    @property
    def wire(self) -> Wire:
        """The connection of now."""
        return self._wire

    async def run(self, work: Callable[[Wire], Awaitable[_T]]) -> _T:
        """Do something that may be done twice; again, a few times, if its connection is lost on the way.

        A rejection is never tried again, and silence on a connection that stands is not either: whoever asks
        has waited for it already.

        Raises:
            ResolverUnavailable: the last try failed, too; the message says both why and what became of the others.
            ResolverRejected: as `work` does.

        """
        for pause in _PAUSES:
            try:
                return await work(self._wire)
            except ResolverUnavailable as error:
                if self._wire.is_open:
                    raise
                await asyncio.sleep(pause)
                await self._reconnect(error)
        return await work(self._wire)

    async def _reconnect(self, lost: ResolverUnavailable) -> None:
        """Connect to the next server that answers, with the same patience; else raise what was lost before."""
        await self._wire.close()
        for pause in _PAUSES:
            try:
                self._wire = await Wire.connect(self.urls, self.login)
            except ResolverUnavailable as error:
                last = error
                await asyncio.sleep(pause)
            else:
                return
        message = f"{lost.message}; then {last.message}"
        if isinstance(lost, PushInterrupted):
            raise PushInterrupted(message, results=lost.results, hint=lost.hint) from lost
        raise ResolverUnavailable(message, hint=lost.hint) from lost

    async def close(self) -> None:
        """Close the connection."""
        await self._wire.close()
