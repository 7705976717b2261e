"""Prove against a real nats-server that the login works and that every policy test of the spec holds."""

from __future__ import annotations

from collections.abc import Iterator

from natsbackend.live.logins import prove_logins
from natsbackend.live.policy import prove_decision, prove_delivery
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Endpoints, Identities, Identity, Proof
from natsbackend.model.entities import Backend, Decision

__all__ = ["Endpoints", "Identities", "Identity", "Proof", "prove"]


def prove(
    backend: Backend, identities: Identities, endpoints: Endpoints, *, timeout: float = 5.0
) -> Iterator[Proof]:
    """Yield a proof for each way to log in, then for each policy test in the order of the spec.

    Real messages are sent (see `policy`). A proof that fails stops no other, and nothing is raised because of
    what the server does. Every connection is closed when the iterator ends, is closed or is dropped.

    Args:
        backend: what is to hold.
        identities: makes the tokens to connect with.
        endpoints: where the server listens.
        timeout: seconds any one wait may take.

    Raises:
        LiveServerError: the endpoints cannot be used at all.

    """
    with Principals(backend, identities, endpoints, timeout=timeout) as principals:
        yield from prove_logins(principals)
        for test in backend.tests:
            if isinstance(test, Decision):
                yield prove_decision(test, principals)
            else:
                yield from prove_delivery(test, principals)
