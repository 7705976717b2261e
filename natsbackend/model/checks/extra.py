"""Rules about `server.extra`: options of nats-server as they are, of which nothing else in the spec speaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from natsbackend.errors import Diagnostic, Severity
from natsbackend.model.checks.places import place
from natsbackend.model.entities import Backend
from natsbackend.model.server_options import ALIASES, DECIDED, LEAST, MOST, RAW, WORDS, Shape
from natsbackend.spec.server_models import ServerSpec

_INT64 = 2**63 - 1
_SECRET_NAMES = frozenset(
    {"pass", "password", "token", "secret", "seed", "nkey", "key", "ek", "encryption_key"}
)
_SECRET = re.compile(
    r"\bS[OAUNCX][A-Z2-7]{56}\b|\beyJ[A-Za-z0-9_-]{10,}\.|\$2[aby]\$[0-9]{2}\$|://[^/@\s]*:[^/@\s]+@"
)
"""A seed, a JWT, a bcrypt hash, or a URL with a password."""
_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)
"""What no key of a config may hold, as `render.conf` writes it: control characters, and signs that turn text around."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

_Path = tuple[str | int, ...]


def extra_option(backend: Backend) -> Iterable[Diagnostic]:
    """An option that has a word, follows from the spec, or is none of nats-server's."""
    server = backend.server
    for name in server.extra if server else ():
        said = _unfit(name)
        if server and said:
            message, hint = said
            at = place(server, "extra", name)
            yield Diagnostic(code="extra-option", message=message, at=at, hint=hint)


def _unfit(name: str) -> tuple[str, str] | None:
    known = name.lower()
    word = WORDS.get(known) or (known if known in ServerSpec.model_fields else None)
    if word is not None:
        return f"{name[:60]!r} has a word", f"say it with `server.{word}`"
    if known in DECIDED:
        return f"{name[:60]!r} is not for `extra`", DECIDED[known]
    if known in ALIASES:
        return f"{name[:60]!r} is another name of an option", f"write `{ALIASES[known]}`"
    if name in RAW:
        return None
    close = get_close_matches(known, [*RAW, *WORDS], 1, 0.7)
    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(RAW)}"
    if close and close[0] in WORDS:
        hint = f"say it with `server.{WORDS[close[0]]}`"
    return f"nats-server 2.15 has no option {name[:60]!r}", hint


def extra_value(backend: Backend) -> Iterable[Diagnostic]:
    """A value that the server does not take for this option, or that its config cannot say."""
    server = backend.server
    for name, value in (server.extra if server else {}).items():
        shape = RAW.get(name)
        if server is None or shape is None:
            continue
        if not _fits(value, shape) or not LEAST.get(name, 0) <= _number(value) <= MOST.get(name, _INT64):
            within = f"a whole number from {LEAST.get(name, 0)} to {MOST[name]}" if name in MOST else shape
            message = f"`{name}` takes {within}"
            yield Diagnostic(code="extra-value", message=message, at=place(server, "extra", name))
            continue
        for path, why in _unsayable(value, ("extra", name)):
            message = f"the config of nats-server cannot say this: {why}"
            yield Diagnostic(code="extra-value", message=message, at=place(server, *path))


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 1


def _fits(value: object, shape: Shape) -> bool:
    values = list(value.values()) if isinstance(value, dict) else None
    if shape is Shape.NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    if shape is Shape.TEXT:
        return isinstance(value, str)
    if shape is Shape.WRITE_TIMEOUT:
        return value in ("default", "close", "retry")
    if shape is Shape.BOOLEAN or (shape is Shape.BOOLEAN_OR_MAP and values is None):
        return isinstance(value, bool)
    wanted = {Shape.BOOLEANS: bool, Shape.TEXTS: str}.get(shape, object)
    return values is not None and all(isinstance(each, wanted) for each in values)


def _unsayable(value: object, path: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, float):
        yield path, "a number with a point"
    elif isinstance(value, int) and not isinstance(value, bool) and not -_INT64 - 1 <= value <= _INT64:
        yield path, "a number of more than 64 bits"
    elif isinstance(value, str) and _UNWRITABLE.search(value):
        yield path, "a NUL, or half a character"
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unsayable(each, (*path, index))
    elif isinstance(value, dict):
        for key, each in value.items():
            if _UNSEEN.search(key) or ('"' in key and "'" in key):
                yield (*path, key), "a name with control characters or with both kinds of quotes"
            yield from _unsayable(each, (*path, key))


def extra_secret(backend: Backend) -> Iterable[Diagnostic]:
    """What looks like a secret: it would stand in `build/`, and in Git."""
    server = backend.server
    for name, value in (server.extra if server else {}).items():
        for path in _secrets(value, ("extra", name)):
            if server:
                yield Diagnostic(
                    code="extra-secret",
                    message="this looks like a secret, and all of `extra` is written into `build/`",
                    at=place(server, *path),
                    hint="keep it out of the spec; a word takes a secret by reference, {env: NAME} or {file: PATH}",
                )


def _secrets(value: object, path: _Path) -> Iterator[_Path]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _secrets(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _secrets(each, (*path, index))
    elif not isinstance(value, bool) and value != "":
        named = next((step for step in reversed(path) if isinstance(step, str)), "")
        if named.lower() in _SECRET_NAMES or (isinstance(value, str) and _SECRET.search(value)):
            yield path


def extra_profiling(backend: Backend) -> Iterable[Diagnostic]:
    """Profiling that others can reach: it asks for no login and gives away what is in memory, tokens too."""
    server = backend.server
    if server and server.extra.get("prof_port") and server.listen.host not in _LOOPBACK:
        yield Diagnostic(
            code="extra-profiling",
            message=f"profiling listens where clients do, on {server.listen.host}: it asks for no login and shows "
            "what is in memory",
            at=place(server, "extra", "prof_port"),
            hint="take it out once it is not needed, and keep others out with a firewall",
            severity=Severity.WARNING,
        )
