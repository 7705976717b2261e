"""The floor of `generate`: `python tests/bench/floor.py COUNT ROUNDS` prints the best seconds, as JSON.

What no implementation in Python gets around, in memory: four key pairs an account, encoded as nkeys, and two tokens,
written as JSON, hashed into a `jti`, encoded, and signed by PyNaCl, one of them put into the text of creds. The
payloads have the members, and so the size, of those that `generate` signs for the spec of `bench_generate`. No YAML,
no checks, no lock, no file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3
"""Prefix bytes of nkeys."""
NOW = 1_800_000_000
LIMITS = {"subs": -1, "data": -1, "payload": -1}
ACCOUNT_LIMITS = {**LIMITS, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
CREDS = """-----BEGIN NATS USER JWT-----
{token}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------

*************************************************************
"""

Pair = tuple[str, str, bytes]
"""Public key, seed and secret key."""

to_json: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def main(count: int, rounds: int) -> None:
    """Measure and print."""
    best = float("inf")
    accounts = creds = 0
    for _ in range(rounds):
        started = time.perf_counter()
        accounts, creds = job(count)
        best = min(best, time.perf_counter() - started)
    print(json.dumps({"seconds": best, "account_bytes": accounts // count, "creds_bytes": creds // count}))


def job(count: int) -> tuple[int, int]:
    """Make all keys, tokens and creds; return the bytes of the account tokens and of the creds."""
    signer = pair(OPERATOR)
    names = [f"tenant{number:05}" for number in range(count)]
    keys = [(pair(ACCOUNT), pair(ACCOUNT), pair(ACCOUNT), pair(USER)) for _ in names]
    accounts = creds = 0
    for number, (name, (identity, first, second, user)) in enumerate(zip(names, keys, strict=True)):
        near = [(number + step) % count for step in (1, 2, 3)]
        nats = account_nats(name, [(names[n], keys[n][0][0]) for n in near], sorted((first[0], second[0])))
        accounts += len(token(signer, identity[0], name, nats))
        text = token(first, user[0], "app", user_nats(name, identity[0]))
        creds += len(CREDS.format(token=text, seed=user[1]))
    return accounts, creds


def account_nats(name: str, near: list[tuple[str, str]], signing_keys: list[str]) -> dict[str, object]:
    """Return the claims of an account; `near` are the names and keys of those it imports from."""
    offered = (("alerts.*", "stream"), ("events.>", "stream"), ("query", "service"))
    imports = [
        {"name": f"{other}.{subject}", "subject": f"{other}.{subject}", "account": key, "type": kind}
        for (other, key), (subject, kind) in zip(near, offered, strict=True)
    ]
    exports: list[dict[str, object]] = [
        {"name": f"{name}.{subject}", "subject": f"{name}.{subject}", "type": kind}
        for subject, kind in offered
    ]
    exports[-1]["response_type"] = "Singleton"
    return {
        "imports": imports,
        "exports": exports,
        "limits": ACCOUNT_LIMITS,
        "signing_keys": signing_keys,
        "default_permissions": {"pub": {}, "sub": {}},
        "authorization": {},
        "type": "account",
        "version": 2,
    }


def user_nats(name: str, account: str) -> dict[str, object]:
    """Return the claims of the one user of an account."""
    return {
        "pub": {"allow": [f"{name}.events.>", f"{name}.alerts.*"]},
        "sub": {"allow": [f"{name}.query", "_INBOX.>"]},
        **LIMITS,
        "issuer_account": account,
        "type": "user",
        "version": 2,
    }


def token(issuer: Pair, subject: str, name: str, nats: dict[str, object]) -> str:
    """Sign a token."""
    public, _, secret = issuer
    digest = hashlib.new(
        "sha512_256", to_json({"iat": NOW, "iss": public, "name": name, "sub": subject}).encode()
    )
    jti = base32(digest.digest())
    payload = {"jti": jti, "iat": NOW, "iss": public, "name": name, "sub": subject, "nats": nats}
    signing_input = f"{HEADER}.{base64url(to_json(payload).encode())}"
    return f"{signing_input}.{base64url(crypto_sign(signing_input.encode(), secret)[:64])}"


def pair(prefix: int) -> Pair:
    """Make a key pair and encode it."""
    raw = os.urandom(32)
    public, secret = crypto_sign_seed_keypair(raw)
    head = bytes((SEED | prefix >> 5, (prefix & 31) << 3))
    return nkey(bytes((prefix,)) + public), nkey(head + raw), secret


def nkey(body: bytes) -> str:
    """Encode bytes with their checksum."""
    return base32(body + binascii.crc_hqx(body, 0).to_bytes(2, "little"))


def base32(raw: bytes) -> str:
    """Encode without padding."""
    return base64.b32encode(raw).decode().rstrip("=")


def base64url(raw: bytes) -> str:
    """Encode without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


HEADER = base64url(b'{"typ":"JWT","alg":"ed25519-nkey"}')

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
