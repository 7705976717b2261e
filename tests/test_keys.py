"""nkeys: seeds and public keys as the official library has them, stricter where it is odd, never shown."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from natsbackend.errors import InvalidKey
from natsbackend.keys import (
    KeyPair,
    Keyring,
    KeyRole,
    base32,
    derived_user_key,
    encode_public,
    is_public,
    public_role,
    verify,
)

SEEDS = [
    json.loads(line)
    for line in (Path(__file__).parent / "vectors/seeds.jsonl").read_text("utf-8").splitlines()
]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
SIGNING_ROLES = [role for role in KeyRole if role is not KeyRole.CURVE]

roles = st.sampled_from(KeyRole)
entropy = st.binary(min_size=32, max_size=32)


def pair_of(role: KeyRole) -> KeyPair:
    return KeyPair(role, bytes(range(32)))


@pytest.mark.parametrize("case", SEEDS, ids=lambda case: case["id"])
def test_seed_agrees_with_the_official_library(case: dict[str, Any]) -> None:
    if case["valid"] and not case.get("quirk"):
        pair = KeyPair.from_seed(case["seed"])
        assert (pair.role.noun, pair.public) == (case["role"], case["public"])
        assert pair.reveal_seed() == case["seed"]
    else:  # what the library takes only because its base32 skips bits and newlines is refused
        with pytest.raises(InvalidKey) as refusal:
            KeyPair.from_seed(case["seed"])
        assert not case["seed"] or case["seed"] not in f"{refusal.value!r}{refusal.value.hint}"


def test_key_pair_agrees_with_rfc_8032_test_1() -> None:
    pair = KeyPair(
        KeyRole.USER, bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert pair.public == encode_public(KeyRole.USER, public)
    assert pair.sign(b"") == bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


@given(raw=st.binary(max_size=40))
def test_base32_is_that_of_the_standard_library_without_padding(raw: bytes) -> None:
    assert base32(raw) == base64.b32encode(raw).decode("ascii").rstrip("=")


def test_base32_refuses_what_is_too_long_for_it() -> None:
    with pytest.raises(ValueError, match="41 bytes"):
        base32(bytes(41))


@pytest.mark.parametrize("role", KeyRole)
def test_any_changed_character_of_a_seed_is_refused(role: KeyRole) -> None:
    seed = pair_of(role).reveal_seed()
    for position, right in enumerate(seed):
        for wrong in (ALPHABET + "0189=abs \n\u017f").replace(right, ""):
            changed = seed[:position] + wrong + seed[position + 1 :]
            with pytest.raises(InvalidKey):
                KeyPair.from_seed(changed)


@pytest.mark.parametrize("role", KeyRole)
def test_any_changed_character_of_a_public_key_is_refused(role: KeyRole) -> None:
    public = pair_of(role).public
    for position, right in enumerate(public):
        for wrong in (ALPHABET + "0189=abs \n\u017f").replace(right, ""):
            changed = public[:position] + wrong + public[position + 1 :]
            with pytest.raises(InvalidKey):
                public_role(changed)
            assert not any(is_public(changed, other) for other in KeyRole)


@settings(deadline=None)
@given(roles, entropy, st.integers(0, 56))
def test_two_swapped_characters_of_a_seed_are_refused(role: KeyRole, raw: bytes, at: int) -> None:
    seed = KeyPair(role, raw).reveal_seed()
    assume(seed[at] != seed[at + 1])
    with pytest.raises(InvalidKey):
        KeyPair.from_seed(seed[:at] + seed[at + 1] + seed[at] + seed[at + 2 :])


@settings(deadline=None)
@given(roles, entropy, st.integers(0, 57))
def test_a_cut_seed_is_refused(role: KeyRole, raw: bytes, length: int) -> None:
    with pytest.raises(InvalidKey):
        KeyPair.from_seed(KeyPair(role, raw).reveal_seed()[:length])


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_a_key_or_is_refused_without_another_error(text: str) -> None:
    for read in (KeyPair.from_seed, public_role):
        with pytest.raises(InvalidKey):
            read(text)
    assert not any(is_public(text, role) for role in KeyRole)


@settings(deadline=None)
@given(roles, entropy)
def test_seed_and_public_key_come_back_as_they_were(role: KeyRole, raw: bytes) -> None:
    pair = KeyPair(role, raw)
    again = KeyPair.from_seed(pair.reveal_seed())
    assert (again, again.role, again.public) == (pair, role, pair.public)
    assert again.reveal_seed() == pair.reveal_seed()
    assert public_role(pair.public) is role
    assert pair.public[0] == role.letter == pair.reveal_seed()[1]
    assert [other for other in KeyRole if is_public(pair.public, other)] == [role]


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_pair_takes_32_bytes_only(length: int) -> None:
    with pytest.raises(InvalidKey):
        KeyPair(KeyRole.USER, bytes(length))


@pytest.mark.parametrize("value", [None, 5, b"A" * 56, ["A"]])
def test_what_is_no_text_is_no_public_key(value: object) -> None:
    assert not is_public(value, KeyRole.ACCOUNT)


@settings(deadline=None)
@given(st.sampled_from(SIGNING_ROLES), entropy, st.binary(max_size=200), st.integers(0, 511))
def test_a_signature_holds_for_its_message_and_key_alone(
    role: KeyRole, raw: bytes, message: bytes, bit: int
) -> None:
    pair = KeyPair(role, raw)
    signature = pair.sign(message)
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    other = KeyPair(role, bytes(byte ^ 0xFF for byte in raw))
    assert pair.sign(message) == signature
    assert verify(pair.public, message, signature)
    assert not verify(pair.public, message + b"\0", signature)
    assert not verify(pair.public, message, bytes(flipped))
    assert not verify(other.public, message, signature)


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_none(length: int) -> None:
    pair = pair_of(KeyRole.ACCOUNT)
    assert not verify(pair.public, b"m", (pair.sign(b"m") + b"\0")[:length])


def test_a_seed_in_the_place_of_a_public_key_verifies_nothing() -> None:
    pair = pair_of(KeyRole.ACCOUNT)
    assert not verify(pair.reveal_seed(), b"m", pair.sign(b"m"))


def test_a_signature_is_not_looked_at_for_what_is_no_key() -> None:
    with pytest.raises(InvalidKey):
        verify("ACCOUNT", b"m", bytes(64))


def test_a_curve_key_does_not_sign() -> None:
    with pytest.raises(InvalidKey):
        pair_of(KeyRole.CURVE).sign(b"m")


@pytest.mark.parametrize("role", KeyRole)
def test_nothing_shows_the_seed_but_reveal_seed(role: KeyRole) -> None:
    pair = pair_of(role)
    shown = f"{pair} {pair!r} {pair!s:>10} {[pair]} { ({'key': pair}) } {Keyring({'operator': pair.public})}"
    assert pair.public in shown
    assert pair.reveal_seed() not in shown
    assert repr(bytes(range(32))) not in shown
    assert not hasattr(pair, "__dict__")


@pytest.mark.parametrize("carry", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_key_pair_is_not_pickled_or_copied(carry: Any) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        carry(pair_of(KeyRole.USER))


def test_key_pairs_are_equal_by_their_public_key() -> None:
    one, same, other = pair_of(KeyRole.USER), pair_of(KeyRole.USER), pair_of(KeyRole.ACCOUNT)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != one.public


def test_a_derived_user_key_never_changes() -> None:
    # whoever holds a browser token with this subject is revoked by it: it must be the same in every release
    account = pair_of(KeyRole.ACCOUNT).public
    assert account == "AAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3QPZV"
    assert derived_user_key(account, "alice") == "UDJNF4OOMAJQUANLXNEJTTSVWA53WHXP2HIEJMXS2RWQKOWN4OSSR6KO"


@settings(deadline=None)
@given(entropy, entropy, st.text(max_size=20), st.text(max_size=20))
def test_derived_user_keys_differ_by_account_and_name(one: bytes, two: bytes, name: str, other: str) -> None:
    assume(name != other and one != two)
    first, second = (encode_public(KeyRole.ACCOUNT, raw) for raw in (one, two))
    derived = derived_user_key(first, name)
    assert is_public(derived, KeyRole.USER)
    assert len({derived, derived_user_key(first, other), derived_user_key(second, name)}) == 3


def test_keyring_answers_by_path() -> None:
    keyring = Keyring({"operator": "OPUBLIC", "accounts/web": "APUBLIC"})
    assert keyring["accounts/web"] == "APUBLIC"
    assert "operator" in keyring
    assert "accounts/none" not in keyring
    assert list(keyring) == ["operator", "accounts/web"]
    with pytest.raises(KeyError):
        keyring["accounts/none"]
