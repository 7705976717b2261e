"""nkeys: roles, public keys, key pairs and the keyring. The only door to `nkeys` and `nacl`.

Encoding (nkeys, ADR-14): base32 without padding of `prefix byte, 32 bytes, CRC-16/XMODEM little endian`; a seed
has two prefix bytes, the first five bits say "seed" and the next eight the role. The `nkeys` package does not
look at a seed's checksum, so every text that comes in is checked here, and only its canonical form is taken.

A `KeyPair` never shows its seed in `repr`, `str` or an error; `reveal_seed()` is the one way to it.
"""

from __future__ import annotations

import binascii
import enum
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import nkeys
from nacl.bindings import (
    crypto_scalarmult_base,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError, CryptoError

from natsbackend.errors import InvalidKey


class KeyRole(enum.Enum):
    """What a key is for: the letter its public key starts with, and its prefix byte."""

    OPERATOR = ("O", nkeys.PREFIX_BYTE_OPERATOR)
    ACCOUNT = ("A", nkeys.PREFIX_BYTE_ACCOUNT)
    USER = ("U", nkeys.PREFIX_BYTE_USER)
    SERVER = ("N", nkeys.PREFIX_BYTE_SERVER)
    CLUSTER = ("C", nkeys.PREFIX_BYTE_CLUSTER)
    CURVE = ("X", 23 << 3)

    @property
    def letter(self) -> str:
        """`O`, `A`, `U`, `N`, `C` or `X`."""
        return self.value[0]

    @property
    def prefix(self) -> int:
        """The prefix byte of the public key."""
        return self.value[1]

    @property
    def noun(self) -> str:
        """The role in a sentence: `operator`, `account`, …."""
        return self.name.lower()


_BY_PREFIX = {role.prefix: role for role in KeyRole}
_KEY_LENGTH = 56
_SEED_LENGTH = 58


def _crc(raw: bytes) -> bytes:
    return binascii.crc_hqx(raw, 0).to_bytes(2, "little")


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LONGEST = 40
"""So many bytes are 64 digits of five bits, what `base32` can spread."""


def _halvings() -> Iterator[tuple[int, int, int]]:
    """The steps from 64 digits of 5 bits to 64 bytes: masks of the lower and upper half of each lane, and a shift.

    At first all digits lie in one lane; each step moves the upper halves up, so that they have lanes of their own.
    """
    for lane in (64, 32, 16, 8, 4, 2):  # digits in a lane, which is as many bytes wide
        half = lane // 2
        each_lane = sum(1 << 8 * start for start in range(0, 64, lane))
        digits = ((1 << 5 * half) - 1) * each_lane
        yield digits, digits << 5 * half, 3 * half


_HALVINGS = tuple(_halvings())
_TO_ALPHABET = _ALPHABET.encode("ascii").ljust(256)


def base32(raw: bytes) -> str:
    """Encode up to 40 bytes in base32 without padding; three times as quick as `base64.b32encode`."""
    if len(raw) > _LONGEST:
        raise ValueError(f"{len(raw)} bytes are too long for this")
    bits = 8 * len(raw)
    number = int.from_bytes(raw, "big") << -bits % 5
    for lower, upper, shift in _HALVINGS:
        number = number & lower | (number & upper) << shift
    return number.to_bytes((bits + 4) // 5, "big").translate(_TO_ALPHABET).decode("ascii")


_BASE32 = re.compile(r"[A-Z2-7]{7,}")
_TO_PYTHON = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")


def _checked(text: str, what: str) -> bytes:
    """Decode canonical unpadded base32 and check its CRC; the CRC is cut off.

    Five times as quick as `base64.b32decode` with a comparison of what its result encodes to.
    """
    if not _BASE32.fullmatch(text):
        raise InvalidKey(f"not {what}: it is not base32, or too short")
    length, spare = divmod(5 * len(text), 8)
    number = int(text.translate(_TO_PYTHON), 32)
    if spare > 4 or number & ((1 << spare) - 1):
        raise InvalidKey(f"not {what}: it is not in its one canonical form")
    raw = (number >> spare).to_bytes(length, "big")
    if _crc(raw[:-2]) != raw[-2:]:
        raise InvalidKey(f"not {what}: the checksum does not fit", hint="a character was lost or changed")
    return raw[:-2]


def encode_public(role: KeyRole, raw: bytes) -> str:
    """Encode 32 raw bytes as the public key of a role."""
    body = bytes((role.prefix,)) + raw
    return base32(body + _crc(body))


def public_role(text: str) -> KeyRole:
    """Return the role of a public key.

    Raises:
        InvalidKey: it is not a public nkey, or its checksum does not fit.
    """
    raw = _checked(text, "a public nkey")
    role = _BY_PREFIX.get(raw[0])
    if role is None or len(raw) != 33:
        raise InvalidKey("not a public nkey: unknown role or wrong length")
    return role


def is_public(text: object, role: KeyRole) -> bool:
    """Tell whether a text is a well-formed public key of a role."""
    if not isinstance(text, str) or len(text) != _KEY_LENGTH or not text.startswith(role.letter):
        return False
    try:
        return public_role(text) is role
    except InvalidKey:
        return False


def verify(public: str, message: bytes, signature: bytes) -> bool:
    """Tell whether an Ed25519 signature over a message was made by the holder of a public key."""
    raw = _checked(public, "a public nkey")[1:]
    if len(signature) != 64 or len(raw) != 32:
        return False
    try:
        crypto_sign_open(signature + message, raw)
    except (BadSignatureError, CryptoError, ValueError):
        return False
    return True


def derived_user_key(account: str, name: str) -> str:
    """Return the public key a bearer token of this name carries as its subject.

    It is the user encoding of SHA-256 over the account's public key, a NUL and the name in UTF-8. No private key
    for it exists; a bearer user needs none. So the same name is the same NATS user over every token, device and
    key rotation, and can be revoked by anyone who knows the two public facts.

    Raises:
        InvalidKey: `account` is no account's public key, or the name holds what UTF-8 cannot carry.
    """
    if not is_public(account, KeyRole.ACCOUNT):
        raise InvalidKey("not the public key of an account")
    try:
        text = name.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidKey("a name holds what UTF-8 cannot carry") from None
    digest = hashlib.sha256(account.encode("ascii") + b"\0" + text).digest()
    return encode_public(KeyRole.USER, digest)


class KeyPair:
    """A seed with its role and public key. Equal when the public keys are."""

    __slots__ = ("_public", "_role", "_secret", "_seed")

    def __init__(self, role: KeyRole, raw: bytes) -> None:
        """Build a key pair from 32 bytes of entropy."""
        if len(raw) != 32:
            raise InvalidKey("a seed is made of 32 bytes")
        self._role = role
        if role is KeyRole.CURVE:
            self._secret = raw
            public = crypto_scalarmult_base(raw)
        else:
            public, self._secret = crypto_sign_seed_keypair(raw)
        self._public = encode_public(role, public)
        head = bytes((nkeys.PREFIX_BYTE_SEED | role.prefix >> 5, (role.prefix & 31) << 3)) + raw
        self._seed = base32(head + _crc(head))

    @classmethod
    def from_seed(cls, text: str) -> KeyPair:
        """Read a seed, checksum and all.

        Raises:
            InvalidKey: the text is not a seed. The message never repeats the text.
        """
        raw = _checked(text, "an nkey seed")
        if raw[0] & 0xF8 != nkeys.PREFIX_BYTE_SEED:
            raise InvalidKey(
                "not an nkey seed: it does not start with S", hint="a seed starts with SO, SA, SU, …"
            )
        role = _BY_PREFIX.get((raw[0] & 7) << 5 | raw[1] >> 3)
        if role is None:
            raise InvalidKey("not an nkey seed: unknown role")
        if len(text) != _SEED_LENGTH:
            raise InvalidKey("not an nkey seed: wrong length")
        return cls(role, raw[2:])

    @property
    def role(self) -> KeyRole:
        """What the key is for."""
        return self._role

    @property
    def public(self) -> str:
        """The public key."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over a message."""
        if self.role is KeyRole.CURVE:
            raise InvalidKey("a curve key cannot sign")
        signature: bytes = crypto_sign(message, self._secret)[:64]
        return signature

    def reveal_seed(self) -> str:
        """Return the seed. Whoever calls this holds the secret: write it to a 0600 file or nowhere."""
        return self._seed

    def __repr__(self) -> str:
        return f"KeyPair({self.public}, seed=<redacted>)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyPair) and self.public == other.public

    def __hash__(self) -> int:
        return hash(self.public)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key pair is not pickled")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The active public key of every spec path that has one, for instance `accounts/web/roles/viewer`."""

    public: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, path: str) -> str:
        return self.public[path]

    def __contains__(self, path: object) -> bool:
        return path in self.public

    def __iter__(self) -> Iterator[str]:
        return iter(self.public)
