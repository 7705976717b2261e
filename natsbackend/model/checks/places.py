"""Where the words of the `server` section stand."""

from __future__ import annotations

from natsbackend.errors import Location
from natsbackend.model.serving import Server


def place(server: Server, *path: str | int) -> Location | None:
    """Return where a word of the section is written, or else what would hold it."""
    while path:
        if path in server.places:
            return server.places[path]
        path = path[:-1]
    return server.at
