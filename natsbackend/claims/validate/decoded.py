"""What Go has after decoding: defaults filled in, unknown members gone, version 1 migrated.

The tables are the structs of github.com/nats-io/jwt/v2 v2.8.2 once more, here with what `encoding/json` makes of
each member and which ones it writes back (`omitempty` leaves out what is empty, but never a struct). They are for
tokens that `codec.decode` has accepted: types are not checked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from natsbackend.claims.envelope import Token, TokenKind
from natsbackend.claims.gotext import lower, trim_space

JsonObject = dict[str, Any]
Read = Callable[[Any], Any]
"""Takes a member as it stands, None for null or absent, and returns what Go has then."""


def decoded(token: Token) -> JsonObject:
    """Return the claims of a token as Go has them after decoding it, as it would write them back.

    Members come in Go's order; maps and signing keys by name. Signing keys of one name are one, the last.
    """
    claims: JsonObject = _ENVELOPE.read(token.claims)
    nats = token.claims.get("nats")
    if token.kind is TokenKind.GENERIC:
        members = dict(nats) if isinstance(nats, dict) else {}
        return {**claims, "nats": members} if members else claims
    if token.version == 1 and token.kind in _VERSION_1:
        return {**claims, "nats": _migrated(token, nats)}
    members = _VERSION_2[token.kind].read(nats)
    limits = members.get("limits", {})
    if "tiered_limits" in limits:  # `loadAccount` clears the flat ones as soon as there is a tier
        members["limits"] = {k: v for k, v in limits.items() if k not in JETSTREAM_LIMITS}
    return {**claims, "nats": members}


def _migrated(token: Token, nats: object) -> JsonObject:
    """Return version 1 in the form of version 2: its type, tags and issuer account stood beside `nats`."""
    members = _VERSION_1[token.kind].read(nats)
    if "type" in members:  # of an activation: the kind of export; every other one drops it
        members["kind"] = members.pop("type")
    beside = _BESIDE_VERSION_1.read(token.claims)
    if token.kind in (TokenKind.OPERATOR, TokenKind.ACCOUNT):
        beside.pop("issuer_account", None)
    return _VERSION_2[token.kind].read({**members, **beside, "version": 1})


# --- how one member is read ---


def _text(value: Any) -> str:
    return value or ""


def _number(value: Any) -> int:
    return value or 0


def _number_or_unlimited(value: Any) -> int:
    return -1 if value is None else value


def _flag(value: Any) -> bool:
    return bool(value)


def _texts(value: Any) -> list[str]:
    return [item or "" for item in value or ()]


def _moments(value: Any) -> dict[str, int] | None:
    return {name: value[name] or 0 for name in sorted(value)} if value else None


def _sampling(value: Any) -> object:
    """Read a sampling rate; zero and any spelling of "headers" are the same (`SamplingRate`)."""
    return "headers" if not value or isinstance(value, str) else value


def _source_networks(value: Any) -> list[str]:
    """Read a list, or one text with commas, which is lowered, trimmed and rid of doubles (`CIDRList`)."""
    if not isinstance(value, str):
        return _texts(value)
    networks = (trim_space(lower(part)) for part in lower(value).split(","))
    return list(dict.fromkeys(network for network in networks if network))


@dataclass(frozen=True, slots=True)
class _Struct:
    members: Mapping[str, Read]
    always: frozenset[str] = frozenset()
    """Members that are written even if empty."""

    def read(self, value: Any) -> JsonObject:
        """Read an object; null and absent are one without members."""
        given = value or {}
        read = ((name, member(given.get(name))) for name, member in self.members.items())
        return {name: member for name, member in read if name in self.always or not _is_left_out(member)}

    def read_pointer(self, value: Any) -> JsonObject | None:
        """Read what Go holds by a pointer: absent stays absent, and an empty object is not absent."""
        return None if value is None else self.read(value)


def _is_left_out(member: object) -> bool:
    """Tell what `omitempty` leaves out. An object is a struct, or a map with something in it."""
    return not member and not isinstance(member, dict)


def _list_of(item: Read) -> Read:
    return lambda value: [item(one) for one in value or ()]


def _map_of(item: Read) -> Read:
    return lambda value: {name: item(value[name]) for name in sorted(value)} if value else None


def _signing_keys(value: Any) -> list[object]:
    """Read signing keys, sorted by key; a scope and a plain key of one name are one, the last of them."""
    keys: dict[str, object] = {}
    for item in value or ():
        if isinstance(item, str):
            keys[item] = item
        elif isinstance(item, dict):
            scope = _SCOPE.read(item)
            keys[scope["key"]] = scope
    return [keys[name] for name in sorted(keys)]


# --- the tables ---


def _all(read: Read, names: str) -> dict[str, Read]:
    return dict.fromkeys(names.split(), read)


def _struct(members: Mapping[str, Read], *, always: Iterable[str] = ()) -> _Struct:
    return _Struct(members, frozenset(always))


_ENVELOPE = _struct(
    {
        **_all(_text, "aud"),
        **_all(_number, "exp"),
        **_all(_text, "jti"),
        **_all(_number, "iat"),
        **_all(_text, "iss name"),
        **_all(_number, "nbf"),
        **_all(_text, "sub"),
    }
)
_COMMON: Mapping[str, Read] = {"tags": _texts, "type": _text, "version": _number}
_INFO = _all(_text, "description info_url")

_PERMISSION = _struct(_all(_texts, "allow deny"))
_PERMISSIONS: Mapping[str, Read] = {
    "pub": _PERMISSION.read,
    "sub": _PERMISSION.read,
    "resp": _struct(_all(_number, "max ttl"), always=("max", "ttl")).read_pointer,
}
_USER_LIMITS: Mapping[str, Read] = {
    "src": _source_networks,
    "times": _list_of(_struct(_all(_text, "start end")).read),
    "times_location": _text,
}
_NATS_LIMITS = _all(_number, "subs data payload")
_NATS_LIMITS_OR_UNLIMITED = _all(_number_or_unlimited, "subs data payload")
_CONNECTING: Mapping[str, Read] = {
    **_all(_flag, "bearer_token proxy_required"),
    "allowed_connection_types": _texts,
}
_SCOPE = _struct(
    {
        **_all(_text, "kind key role"),
        "template": _struct(
            {**_PERMISSIONS, **_USER_LIMITS, **_NATS_LIMITS_OR_UNLIMITED, **_CONNECTING}
        ).read,
        **_all(_text, "description"),
    },
    always=("kind", "key", "role", "template", "description"),
)
_ACCOUNT_LIMITS: Mapping[str, Read] = {
    **_NATS_LIMITS,
    **_all(_number, "imports exports"),
    **_all(_flag, "wildcards disallow_bearer"),
    **_all(_number, "conn leaf"),
}
JETSTREAM_LIMITS: Mapping[str, Read] = {
    **_all(_number, "mem_storage disk_storage streams consumer max_ack_pending"),
    **_all(_number, "mem_max_stream_bytes disk_max_stream_bytes"),
    **_all(_flag, "max_bytes_required"),
}
_IMPORT = _struct(
    {
        **_all(_text, "name subject account token to local_subject type"),
        **_all(_flag, "share allow_trace"),
    }
)
_EXPORT = _struct(
    {
        **_all(_text, "name subject type"),
        "token_req": _flag,
        "revocations": _moments,
        "response_type": _text,
        "response_threshold": _number,
        "service_latency": _struct(
            {"sampling": _sampling, "results": _text}, always=("sampling", "results")
        ).read_pointer,
        "account_token_position": _number,
        **_all(_flag, "advertise allow_trace"),
        **_INFO,
    }
)
_MAPPING = _struct(
    {"subject": _text, "weight": _number, "cluster": _text},
    always=("subject",),
)
_OPERATOR: Mapping[str, Read] = {
    "signing_keys": _texts,
    "account_server_url": _text,
    "operator_service_urls": _texts,
    **_all(_text, "system_account assert_server_version"),
    "strict_signing_key_usage": _flag,
    **_COMMON,
}
_ACCOUNT: Mapping[str, Read] = {
    "imports": _list_of(_IMPORT.read_pointer),
    "exports": _list_of(_EXPORT.read_pointer),
    "limits": _struct(
        {**_ACCOUNT_LIMITS, **JETSTREAM_LIMITS, "tiered_limits": _map_of(_struct(JETSTREAM_LIMITS).read)}
    ).read,
    "signing_keys": _signing_keys,
    "revocations": _moments,
    "default_permissions": _struct(_PERMISSIONS).read,
    "mappings": _map_of(_list_of(_MAPPING.read)),
    "authorization": _struct({**_all(_texts, "auth_users allowed_accounts"), "xkey": _text}).read,
    "trace": _struct({"dest": _text, "sampling": _number}).read_pointer,
    "cluster_traffic": _text,
    **_INFO,
    **_COMMON,
}
_SERVER_ID = _struct(
    {**_all(_text, "name host id version cluster"), "tags": _texts, "xkey": _text},
    always=("name", "host", "id"),
)
_CLIENT_INFO = _struct(
    {
        **_all(_text, "host"),
        **_all(_number, "id"),
        **_all(_text, "user name"),
        "tags": _texts,
        **_all(_text, "name_tag kind type mqtt_id nonce"),
    }
)
_CONNECT_OPTIONS = _struct(
    {**_all(_text, "jwt nkey sig auth_token user pass name lang version"), "protocol": _number},
    always=("protocol",),
)
_CLIENT_TLS = _struct(
    {**_all(_text, "version cipher"), "certs": _texts, "verified_chains": _list_of(_texts)},
)
_VERSION_2: Mapping[TokenKind, _Struct] = {
    TokenKind.OPERATOR: _struct(_OPERATOR),
    TokenKind.ACCOUNT: _struct(_ACCOUNT),
    TokenKind.USER: _struct(
        {
            **_PERMISSIONS,
            **_USER_LIMITS,
            **_NATS_LIMITS,
            **_CONNECTING,
            "issuer_account": _text,
            **_COMMON,
        }
    ),
    TokenKind.ACTIVATION: _struct(
        {"subject": _text, "kind": _text, "issuer_account": _text, **_COMMON},
    ),
    TokenKind.AUTHORIZATION_REQUEST: _struct(
        {
            "server_id": _SERVER_ID.read,
            "user_nkey": _text,
            "client_info": _CLIENT_INFO.read,
            "connect_opts": _CONNECT_OPTIONS.read,
            "client_tls": _CLIENT_TLS.read_pointer,
            "request_nonce": _text,
            **_COMMON,
        },
        always=("user_nkey",),
    ),
    TokenKind.AUTHORIZATION_RESPONSE: _struct(
        {**_all(_text, "jwt error issuer_account"), **_COMMON},
    ),
}
_BESIDE_VERSION_1 = _struct({"tags": _texts, "type": _text, "issuer_account": _text})
_VERSION_1: Mapping[TokenKind, _Struct] = {
    TokenKind.OPERATOR: _struct(
        {
            "signing_keys": _texts,
            "account_server_url": _text,
            "operator_service_urls": _texts,
            "system_account": _text,
        }
    ),
    TokenKind.ACCOUNT: _struct(
        {
            "imports": _list_of(_IMPORT.read_pointer),
            "exports": _list_of(_EXPORT.read_pointer),
            "limits": _struct(_ACCOUNT_LIMITS).read,
            "signing_keys": _texts,
            "revocations": _moments,
        }
    ),
    TokenKind.USER: _struct(
        {**_PERMISSIONS, **_USER_LIMITS, **_NATS_LIMITS_OR_UNLIMITED, "bearer_token": _flag}
    ),
    TokenKind.ACTIVATION: _struct({"subject": _text, "type": _text}),
}
