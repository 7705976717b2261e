"""Subject mappings of an account: which destinations the server takes (nats-server 2.15 `subject_transform.go`).

A destination is a subject whose tokens may be references to the source's wildcards, `$1` or `{{wildcard(1)}}`, or
transform functions of them. It holds no `*` itself, and ends in `>` if and only if the source does. The names of
functions are taken in lower case or camel case, as the server's patterns have them.
"""

from __future__ import annotations

import re

from natsbackend.subjects.patterns import why_invalid

_FUNCTION = re.compile(r"\{\{([A-Za-z]+)\((.*)\)\}\}")
_NUMBER = re.compile(r"-?[0-9]{1,10}")
_LARGEST = 2**31 - 1

_TWO_NUMBERS = frozenset(
    {"splitfromleft", "splitfromright", "slicefromleft", "slicefromright", "left", "right"}
)
FUNCTIONS = frozenset({"wildcard", "partition", "split", "random", *_TWO_NUMBERS})
"""The transform functions, in lower case."""


def why_invalid_mapping(source: str, destination: str) -> str | None:
    """Say why the server would not map a subject to another, or return None."""
    why = why_invalid(source)
    if why:
        return f"the source: {why}"
    if any(c.isspace() for c in destination):
        return "the destination holds a blank; functions are written without: {{partition(3,1)}}"
    tokens = _tokens(destination)
    if not all(tokens):
        return "the destination has an empty token"
    if "*" in tokens or ">" in tokens[:-1]:
        return "the destination holds a wildcard; write $1 for the first `*` of the source"
    if (tokens[-1] == ">") != (source == ">" or source.endswith(".>")):
        return "source and destination must both end in `>`, or neither"
    stars = source.split(".").count("*")
    return next((why for token in tokens if (why := _why_invalid_token(token, stars))), None)


def _tokens(destination: str) -> list[str]:
    """Split at dots, as the server does: a dot ends a token inside of a function, too."""
    return destination.split(".")


def _why_invalid_token(token: str, stars: int) -> str | None:
    if re.fullmatch(r"\$-?[0-9]+", token):
        return _why_no_reference(token[1:], stars, token)
    if not (token.startswith("{{") and token.endswith("}}")):
        return (
            f'"{token}" is only the beginning or the end of a function'
            if "{{" in token or "}}" in token
            else None
        )
    match = _FUNCTION.fullmatch(token)
    if match is None or match[1].lower() not in FUNCTIONS:
        known = ", ".join(sorted(FUNCTIONS))
        return f'"{token}" is no function; there are {known}'
    return _why_invalid_call(match[1].lower(), match[2].split(","), stars, token)


def _why_invalid_call(name: str, arguments: list[str], stars: int, token: str) -> str | None:
    if name == "random":
        return (
            None
            if len(arguments) == 1 and _is_count(arguments[0])
            else f'"{token}" takes one number, above 0'
        )
    if name == "partition":
        if not _is_count(arguments[0]):
            return f'"{token}" begins with the number of partitions'
        references = arguments[1:]
    elif name == "wildcard":
        if len(arguments) != 1:
            return f'"{token}" takes one number'
        references = arguments
    else:
        if len(arguments) != 2:
            return f'"{token}" takes two arguments'
        if name in _TWO_NUMBERS and not _is_count(arguments[1]):
            return f'"{token}" takes two numbers, the second above 0'
        if name == "split" and not arguments[1]:
            return f'"{token}" needs what to split at'
        references = arguments[:1]
    return next((why for r in references if (why := _why_no_reference(r, stars, token))), None)


def _is_count(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) and 0 < int(text) <= _LARGEST


def _why_no_reference(text: str, stars: int, token: str) -> str | None:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= stars:
        held = f"{stars} wildcards `*`" if stars != 1 else "one wildcard `*`"
        return f'"{token}" refers to a wildcard that is not there; the source has {held if stars else "none"}'
    return None
