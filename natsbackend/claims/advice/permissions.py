"""Advice about what a user or a role may do, and how it may connect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from natsbackend.claims.advice.view import Members, bearer_of
from natsbackend.claims.gotext import quoted
from natsbackend.claims.validate.finding import Findings
from natsbackend.claims.validate.permissions import check_permissions
from natsbackend.model.entities import ConnectionType
from natsbackend.model.names import why_template_unsafe
from natsbackend.subjects import split_queue, template_functions, why_invalid_permission

_BEARERS = {ConnectionType.WEBSOCKET.value, ConnectionType.MQTT.value, ConnectionType.MQTT_WS.value}
"""Connections that cannot sign the server's nonce: browsers with a cookie, and everything that speaks MQTT."""
_KNOWN = ", ".join(kind.value for kind in ConnectionType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A user, or the template of a role."""

    nats: Members
    is_role: bool
    """Whether templates such as `{{name()}}` are filled in, and the official validator has not looked."""

    def entries(self) -> Iterator[tuple[str, str, bool]]:
        """Return each entry of the permission lists with where it stands, and whether it may name a queue."""
        for direction in ("pub", "sub"):
            for verdict in ("allow", "deny"):
                for entry in self.nats.get(direction, {}).get(verdict, ()):
                    yield f"{direction} {verdict} {quoted(entry)}", entry, direction == "sub"

    def allowed(self, direction: str) -> tuple[str, ...]:
        """Return the allow list of `pub` or `sub`."""
        return tuple(self.nats.get(direction, {}).get("allow", ()))


def subjects(holder: Holder) -> Iterator[str]:
    """An entry that nats-server skips or cannot read, such as `a.>.b`: the permission is silently not there."""
    for where, entry, queue in holder.entries():
        if template_functions(entry) or (not holder.is_role and _is_reported(entry, queue=queue)):
            continue
        reason = why_invalid_permission(entry, queue_allowed=queue)
        if reason is not None:
            yield f"{where}: {reason}"


def _is_reported(entry: str, *, queue: bool) -> bool:
    official = Findings()
    check_permissions({"sub" if queue else "pub": {"allow": [entry]}}, official)
    return bool(official.issues)


def templates(holder: Holder) -> Iterator[str]:
    """A `{{…}}` that nats-server does not know or never fills in, or that stands where it fills in none."""
    for where, entry, queue in holder.entries():
        if not template_functions(entry):
            continue
        reason: str | None = "templates are filled in for tokens of a role only"
        if holder.is_role:
            reason = why_invalid_permission(entry, queue_allowed=queue)
        if reason is not None:
            yield f"{where}: {reason}"


def queues_beside_templates(holder: Holder) -> Iterator[str]:
    """A queue group in a list of a role that also has a template: the server drops it (2.15 `auth.go`)."""
    if not holder.is_role:
        return
    for verdict in ("allow", "deny"):
        entries = holder.nats.get("sub", {}).get(verdict, ())
        if not any(template_functions(entry) for entry in entries):
            continue
        for entry in entries:
            if split_queue(entry)[1] is not None and not template_functions(entry):
                yield f"sub {verdict} {quoted(entry)}: dropped, since the same list has a template"


def star_at_the_end(holder: Holder) -> Iterator[str]:
    """A subscription allowed to end in `*`: the server then allows one that ends in `>` (2.15 `client.go`)."""
    for entry in holder.allowed("sub"):
        subject = split_queue(entry)[0]
        if subject == "*" or subject.endswith(".*"):
            wider = f"{subject[:-1]}>"
            yield f"whoever may subscribe to {quoted(subject)} may subscribe to {quoted(wider)} too"


def responses_without_publish(holder: Holder) -> Iterator[str]:
    """Leave to answer requests without a list of what may be published: everything else is denied then."""
    if "resp" in holder.nats and not holder.allowed("pub"):
        yield "resp without a pub allow list denies every publish but answers; list what may be published"


def connection_types(holder: Holder) -> Iterator[str]:
    """Connection types that do not exist are dropped; with none left, nobody can connect."""
    named = holder.nats.get("allowed_connection_types", ())
    unknown = [name for name in named if name.upper() not in ConnectionType.__members__]
    if not unknown:
        return
    what = ", ".join(map(quoted, unknown))
    if len(unknown) == len(named):
        yield f"no connection type is known ({what}), so every connection is refused; there are {_KNOWN}"
    else:
        yield f"unknown connection types are ignored: {what}; there are {_KNOWN}"


def bearer_everywhere(holder: Holder) -> Iterator[str]:
    """A bearer token that is not bound to browsers or MQTT: whoever gets hold of it can use it over plain TCP too."""
    named = {name.upper() for name in holder.nats.get("allowed_connection_types", ())}
    known = named & set(ConnectionType.__members__)
    if bearer_of(holder.nats) and not (known and known <= _BEARERS):
        yield (
            "a bearer token works over every kind of connection it is not kept from: "
            "restrict allowed_connection_types to WEBSOCKET, or to MQTT"
        )


def bearer_unrestricted(holder: Holder) -> Iterator[str]:
    """A bearer token that may publish or subscribe to everything, or everything but a few subjects."""
    if not bearer_of(holder.nats):
        return
    for direction, may in (("pub", "publish"), ("sub", "subscribe")):
        allow = holder.allowed(direction)
        deny = holder.nats.get(direction, {}).get("deny", ())
        answers_only = direction == "pub" and "resp" in holder.nats
        if ">" not in deny and (">" in allow or not (allow or answers_only)):
            yield f"a bearer token that may {may} to any subject{' but a few' if deny else ''}"


def no_limits(holder: Holder) -> Iterator[str]:
    """Absent limits are zero: the server closes the connection at its first subscription or message."""
    zero = [name for name in ("subs", "payload") if not holder.nats.get(name)]
    if zero:
        yield f"{' and '.join(zero)} of zero: nothing can be done with this; -1 is no limit"


def local_time(holder: Holder) -> Iterator[str]:
    """Time windows without a time zone are read in the zone of whatever server is asked."""
    if holder.nats.get("times") and not holder.nats.get("times_location"):
        yield "time windows without times_location are read in the time zone of each server"


def upper_case_tags(nats: Members) -> Iterator[str]:
    """A tag with capitals: the server looks for tags in lower case and never finds it."""
    for tag in nats.get("tags", ()):
        if tag != tag.lower():
            yield f"the tag {quoted(tag)} has capitals, so no template finds it"


def unsafe_in_templates(name: str, tags: list[str]) -> Iterator[str]:
    """A name or tag that is more than one plain token: in a template it opens other subjects than meant."""
    texts = [("name", name), *(("tag", tag.partition(":")[2]) for tag in tags)]
    for what, text in texts:
        why = why_template_unsafe(text) if text else None
        if why is not None:
            yield f"the {what} {quoted(text)} {why}; a template of its role may open more with it"
