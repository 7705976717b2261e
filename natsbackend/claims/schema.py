"""The JSON types of the wire format: which member holds what, as strict as the decoder of the Go library.

The tables are the structs of github.com/nats-io/jwt/v2 v2.8.2 (`*_claims.go`; `decoder_*.go` for version
1). As there, a null leaves its member absent, and a member that nobody knows is ignored. Stricter than Go,
because two readers of one token must not see two different things: refused are a member name in another
case (Go honours `"EXPORTS"`), a name twice in one object, bytes that are not UTF-8, half a surrogate pair,
and among signing keys what is neither a key nor a scope.

This module judges types only. What the values mean, and whether they make sense together, is for the checks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NoReturn

from natsbackend.claims.shapes import (
    Check,
    Integer,
    ListOf,
    MapOf,
    MismatchError,
    OneOf,
    Struct,
    boolean,
    noun,
    string,
    wrong,
)
from natsbackend.errors import ClaimsError

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(raw: bytes, what: str) -> dict[str, object]:
    """Read a JSON object; `what` names it in the error.

    Raises ClaimsError if it is not UTF-8 or not JSON (`decode-json-syntax`), not an object or holds a
    number out of every range (`decode-json-type`), or has a member twice (`decode-member-name`).
    """
    try:
        value = _DECODER.decode(text := raw.decode("utf-8"))
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise _syntax(f"the {what} is not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeError:
        raise _syntax(f"the {what} is not UTF-8") from None
    except RecursionError:
        raise _syntax(f"the {what} is nested too deeply") from None
    except ValueError:  # int() refuses thousands of digits (CVE-2020-10735)
        raise ClaimsError(f"the {what} holds a number out of range", rule="decode-json-type") from None
    if not isinstance(value, dict):
        raise ClaimsError(f"the {what} is {noun(value)}, not an object", rule="decode-json-type")
    return value


def check_header(header: Mapping[str, object]) -> None:
    """Check the types of a header. Raises ClaimsError."""
    _run(_HEADER, header, "header")


def check_payload(kind: str, version: int, payload: Mapping[str, object]) -> None:
    """Check the types of a whole payload, envelope and `nats`.

    `kind` is a `TokenKind`; `version` 1 means the form of version 1, anything else is read as version 2.
    Raises ClaimsError with the rule and the path of the first member that is wrong; values are never shown.
    """
    tables = _VERSION_1 if version == 1 and kind in _VERSION_1 else _VERSION_2
    _run(tables[kind], payload, "payload")


def _run(check: Check, value: object, what: str) -> None:
    try:
        check(value)
    except MismatchError as mismatch:
        path = "".join(reversed(mismatch.path)).removeprefix(".")
        raise ClaimsError(f"{path or what} {mismatch.problem}", rule=mismatch.rule) from None


def _syntax(message: str) -> ClaimsError:
    return ClaimsError(message, rule="decode-json-syntax")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ClaimsError("a member stands twice in one object of the token", rule="decode-member-name")
    return members


def _constant(name: str) -> NoReturn:
    raise _syntax(f"{name} is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ClaimsError("the token holds a number out of range", rule="decode-json-type")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant, parse_float=_float)


# --- the types ---

_INT64 = Integer(-(2**63), 2**63 - 1)
_UINT64 = Integer(0, 2**64 - 1)
_UINT8 = Integer(0, 255)
_STRINGS = ListOf(string)
_EXPORT_TYPE = OneOf(("stream", "service"), rule="decode-export-type")


def _sampling(value: object) -> None:
    if isinstance(value, str):
        if value.lower() != "headers":
            raise wrong(value, 'an integer or "headers"')
    else:
        _INT64(value)


def _source_networks(value: object) -> None:
    if not isinstance(value, str):  # one comma-separated text is taken apart by the server (CIDRList)
        _STRINGS(value)


def _signing_key(value: object) -> None:
    if isinstance(value, str):
        return
    if isinstance(value, dict) and value.get("kind") != "user_scope":
        raise MismatchError('is a scope of a kind other than "user_scope"', "decode-scope-kind")
    _USER_SCOPE(value)


# --- the tables ---

_HEADER = Struct({"typ": string, "alg": string})

_ENVELOPE: Mapping[str, Check] = {
    "aud": string,
    "exp": _INT64,
    "jti": string,
    "iat": _INT64,
    "iss": string,
    "name": string,
    "nbf": _INT64,
    "sub": string,
    "type": string,
}
"""A top-level `type` that is not empty makes a token version 1, so it is checked on every kind."""

_COMMON: Mapping[str, Check] = {"tags": _STRINGS, "type": string, "version": _INT64}
_INFO: Mapping[str, Check] = {"description": string, "info_url": string}

_PERMISSION = Struct({"allow": _STRINGS, "deny": _STRINGS})
_PERMISSIONS: Mapping[str, Check] = {
    "pub": _PERMISSION,
    "sub": _PERMISSION,
    "resp": Struct({"max": _INT64, "ttl": _INT64}),
}
_NATS_LIMITS: Mapping[str, Check] = {"subs": _INT64, "data": _INT64, "payload": _INT64}
_TIMES = ListOf(Struct({"start": string, "end": string}))
_USER_LIMITS: Mapping[str, Check] = {
    "src": _source_networks,
    "times": _TIMES,
    "times_location": string,
    **_NATS_LIMITS,
}
_TEMPLATE: Mapping[str, Check] = {
    **_PERMISSIONS,
    **_USER_LIMITS,
    "bearer_token": boolean,
    "proxy_required": boolean,
    "allowed_connection_types": _STRINGS,
}
_USER_SCOPE = Struct(
    {"kind": string, "key": string, "role": string, "template": Struct(_TEMPLATE), "description": string}
)
_ACCOUNT_LIMITS: Mapping[str, Check] = {
    **_NATS_LIMITS,
    "imports": _INT64,
    "exports": _INT64,
    "wildcards": boolean,
    "disallow_bearer": boolean,
    "conn": _INT64,
    "leaf": _INT64,
}
_JETSTREAM_LIMITS: Mapping[str, Check] = {
    "mem_storage": _INT64,
    "disk_storage": _INT64,
    "streams": _INT64,
    "consumer": _INT64,
    "max_ack_pending": _INT64,
    "mem_max_stream_bytes": _INT64,
    "disk_max_stream_bytes": _INT64,
    "max_bytes_required": boolean,
}
_IMPORTS = ListOf(
    Struct(
        {
            "name": string,
            "subject": string,
            "account": string,
            "token": string,
            "to": string,
            "local_subject": string,
            "type": _EXPORT_TYPE,
            "share": boolean,
            "allow_trace": boolean,
        }
    )
)
_EXPORTS = ListOf(
    Struct(
        {
            "name": string,
            "subject": string,
            "type": _EXPORT_TYPE,
            "token_req": boolean,
            "revocations": MapOf(_INT64),
            "response_type": string,
            "response_threshold": _INT64,
            "service_latency": Struct({"sampling": _sampling, "results": string}),
            "account_token_position": _UINT64,
            "advertise": boolean,
            "allow_trace": boolean,
            **_INFO,
        }
    )
)
_OPERATOR: Mapping[str, Check] = {
    "signing_keys": _STRINGS,
    "account_server_url": string,
    "operator_service_urls": _STRINGS,
    "system_account": string,
    "assert_server_version": string,
    "strict_signing_key_usage": boolean,
    **_COMMON,
}
_ACCOUNT: Mapping[str, Check] = {
    "imports": _IMPORTS,
    "exports": _EXPORTS,
    "limits": Struct(
        {**_ACCOUNT_LIMITS, **_JETSTREAM_LIMITS, "tiered_limits": MapOf(Struct(_JETSTREAM_LIMITS))}
    ),
    "signing_keys": ListOf(_signing_key),
    "revocations": MapOf(_INT64),
    "default_permissions": Struct(_PERMISSIONS),
    "mappings": MapOf(ListOf(Struct({"subject": string, "weight": _UINT8, "cluster": string}))),
    "authorization": Struct({"auth_users": _STRINGS, "allowed_accounts": _STRINGS, "xkey": string}),
    "trace": Struct({"dest": string, "sampling": _INT64}),
    "cluster_traffic": string,
    **_INFO,
    **_COMMON,
}
_SERVER_ID = Struct(
    {
        "name": string,
        "host": string,
        "id": string,
        "version": string,
        "cluster": string,
        "tags": _STRINGS,
        "xkey": string,
    }
)
_CLIENT_INFO = Struct(
    {
        "host": string,
        "id": _UINT64,
        "user": string,
        "name": string,
        "tags": _STRINGS,
        "name_tag": string,
        "kind": string,
        "type": string,
        "mqtt_id": string,
        "nonce": string,
    }
)
_CONNECT_OPTIONS = Struct(
    {
        "jwt": string,
        "nkey": string,
        "sig": string,
        "auth_token": string,
        "user": string,
        "pass": string,
        "name": string,
        "lang": string,
        "version": string,
        "protocol": _INT64,
    }
)
_AUTHORIZATION_REQUEST: Mapping[str, Check] = {
    "server_id": _SERVER_ID,
    "user_nkey": string,
    "client_info": _CLIENT_INFO,
    "connect_opts": _CONNECT_OPTIONS,
    "client_tls": Struct(
        {"version": string, "cipher": string, "certs": _STRINGS, "verified_chains": ListOf(_STRINGS)}
    ),
    "request_nonce": string,
    **_COMMON,
}


def _payload(nats: Mapping[str, Check], **moved: Check) -> Struct:
    return Struct({**_ENVELOPE, **moved, "nats": Struct(nats)})


def _version_1(nats: Mapping[str, Check]) -> Struct:
    # the common fields stay in: Go looks at nats.type and nats.version before it knows the version
    return _payload({**_COMMON, **nats}, tags=_STRINGS, issuer_account=string)


_VERSION_2: Mapping[str, Check] = {
    "operator": _payload(_OPERATOR),
    "account": _payload(_ACCOUNT),
    "user": _payload({**_TEMPLATE, "issuer_account": string, **_COMMON}),
    "activation": _payload(
        {"subject": string, "kind": _EXPORT_TYPE, "issuer_account": string, **_COMMON},
    ),
    "authorization_request": _payload(_AUTHORIZATION_REQUEST),
    "authorization_response": _payload(
        {"jwt": string, "error": string, "issuer_account": string, **_COMMON},
    ),
    "generic": _payload(_COMMON),
}
_VERSION_1: Mapping[str, Check] = {
    "operator": _version_1(
        {
            "signing_keys": _STRINGS,
            "account_server_url": string,
            "operator_service_urls": _STRINGS,
            "system_account": string,
        }
    ),
    "account": _version_1(
        {
            "imports": _IMPORTS,
            "exports": _EXPORTS,
            "limits": Struct(_ACCOUNT_LIMITS),
            "signing_keys": _STRINGS,
            "revocations": MapOf(_INT64),
        }
    ),
    "user": _version_1({**_PERMISSIONS, **_USER_LIMITS, "bearer_token": boolean, "max": _INT64}),
    "activation": _version_1(
        {
            "subject": string,
            "type": _EXPORT_TYPE,
            "max": _INT64,
            "payload": _INT64,
            "src": string,
            "times": _TIMES,
        }
    ),
}
