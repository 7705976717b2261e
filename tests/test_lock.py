"""The lock: every fact survives, and nothing that is not understood is dropped or guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natsbackend.errors import LockError
from natsbackend.keys import KeyPair, KeyRole
from natsbackend.lock import Issued, KeyState, Lock, parse_lock, render_lock

KEYS = [KeyPair(KeyRole.ACCOUNT, bytes([n]) * 32).public for n in range(6)]
HEADER = "format 1\n"
FACT = f"accounts/db key active {KEYS[0]}"
LOCK = Lock(
    keys={
        "operator": {KeyPair(KeyRole.OPERATOR, b"o" * 32).public: KeyState.ACTIVE},
        "accounts/web": {KEYS[0]: KeyState.ACTIVE},
        "accounts/web/roles/viewer": {
            KEYS[1]: KeyState.RETIRED,
            KEYS[2]: KeyState.RETIRING,
            KEYS[3]: KeyState.ACTIVE,
            KEYS[4]: KeyState.NEXT,
        },
    },
    issued={"operator": Issued(1_750_000_000, "digest-_1"), "accounts/web": Issued(0, "d")},
)

_PATHS = st.lists(st.text("abzAZ09_.%-", min_size=1, max_size=8), min_size=1, max_size=4).map("/".join)
_KEYS = st.dictionaries(
    st.sampled_from(KEYS),
    st.sampled_from([KeyState.NEXT, KeyState.RETIRING, KeyState.RETIRED]),
    min_size=1,
)
_ISSUED = st.builds(Issued, st.integers(0, 2**62), st.text("abcXYZ019_-", min_size=1, max_size=43))


@st.composite
def _locks(draw: st.DrawFn) -> Lock:
    keys = draw(st.dictionaries(_PATHS, _KEYS))
    issued = draw(st.dictionaries(st.sampled_from(sorted(keys)), _ISSUED)) if keys else {}
    return Lock(keys, issued)


def refusal(text: str) -> LockError:
    with pytest.raises(LockError) as caught:
        parse_lock(text, "natsbackend.lock")
    assert caught.value.hint
    return caught.value


def test_a_lock_reads_back_as_it_was() -> None:
    assert parse_lock(render_lock(LOCK), "lock") == LOCK


@given(_locks())
def test_any_lock_reads_back_as_it_was_and_renders_the_same_text_again(lock: Lock) -> None:
    text = render_lock(lock)
    read = parse_lock(text, "lock")
    assert read == lock
    assert render_lock(read) == text


def test_facts_stand_one_a_line_sorted_so_that_branches_merge() -> None:
    lines = render_lock(LOCK).splitlines()
    assert lines[0].startswith("#")
    assert lines[1] == "format 1"
    assert lines[2:] == sorted(lines[2:])
    assert len(lines) == 2 + 6 + 2


def test_an_empty_lock_is_a_note_and_the_format() -> None:
    assert parse_lock(render_lock(Lock()), "lock") == Lock()


def test_the_lines_of_two_branches_put_together_in_any_order_are_one_lock() -> None:
    mine = Lock(keys={"accounts/a": {KEYS[0]: KeyState.ACTIVE}}, issued={"accounts/a": Issued(1, "x")})
    theirs = Lock(keys={"accounts/b": {KEYS[1]: KeyState.ACTIVE}})
    merged = HEADER + "\n".join([*render_lock(theirs).splitlines()[2:], *render_lock(mine).splitlines()[2:]])
    read = parse_lock(merged, "lock")
    assert read.keys == {**mine.keys, **theirs.keys}
    assert read.issued == mine.issued


def test_the_lines_of_a_checkout_with_crlf_are_read() -> None:
    assert parse_lock(render_lock(LOCK).replace("\n", "\r\n"), "lock") == LOCK


def test_comments_and_blank_lines_mean_nothing() -> None:
    assert parse_lock(f"\n# one\n\n{HEADER}\n# two\n", "lock") == Lock()


def test_the_keyring_holds_the_active_keys_and_no_other() -> None:
    keyring = LOCK.keyring()
    assert keyring["accounts/web/roles/viewer"] == KEYS[3]
    assert set(keyring) == set(LOCK.keys)
    retired = LOCK.with_state(["accounts/web"], KeyState.RETIRED)
    assert "accounts/web" not in retired.keyring()


def test_a_new_key_retires_those_before_it_and_keeps_them_on_record() -> None:
    path = "accounts/web/roles/viewer"
    states = LOCK.with_keys({path: KEYS[5]}).keys[path]
    assert states[KEYS[5]] is KeyState.ACTIVE
    assert {key for key, state in states.items() if state is KeyState.RETIRED} == set(KEYS[1:5])


def test_changing_a_lock_leaves_the_one_it_came_from_as_it_was() -> None:
    before = render_lock(LOCK)
    LOCK.with_keys({"accounts/web": KEYS[5]})
    LOCK.with_state(["operator"], KeyState.RETIRED)
    LOCK.renamed("accounts/web", "accounts/site")
    assert render_lock(LOCK) == before


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs"])
def test_merge_markers_are_named_with_their_line_and_a_way_out(marker: str) -> None:
    error = refusal(f"{HEADER}{FACT}\n{marker}\n")
    assert error.message.startswith("natsbackend.lock:3: ")
    assert "merge markers" in error.message
    assert "both sides" in str(error.hint)


def test_merge_markers_before_the_format_are_named_too() -> None:
    assert "merge markers" in refusal(f"<<<<<<< HEAD\n{HEADER}").message


@pytest.mark.parametrize("first", ["", "format 2\n", "format 1 \n", "format\n", "{}", "operator jwt 1 d\n"])
def test_another_format_is_refused(first: str) -> None:
    assert "format 1" in refusal(first).message


@pytest.mark.parametrize(
    "line",
    [
        "accounts/web/exports/stream/a revoked * 1",
        "accounts/web/roles/viewer revoked someone 1",
        "accounts/web revoked  1",
        "accounts/web revoked %2a 1",
        "accounts/web revoked %FF 1",
        "accounts/web revoked " + "U" * 56 + " 1",
        f"accounts/web/users/a known {KEYS[0]} 1",
        f"operator tombstone {KEYS[0]} 1",
        "accounts/web tombstone * 1",
        "accounts/web pruned someone 1",
        "accounts/web key active",
        f"accounts/web key lost {KEYS[0]}",
        f"accounts/web key active {KEYS[0]} extra",
        f"accounts/web  key active {KEYS[0]}",
        f"accounts/web key ACTIVE {KEYS[0]}",
        f"accounts/web key active {KEYS[0][:-1]}",
        f"accounts/web key active {KEYS[0].lower()}",
        f"accounts/we b key active {KEYS[0]}",
        f"accounts/wéb key active {KEYS[0]}",
        "accounts/web jwt -1 digest",
        "accounts/web jwt 1.5 digest",
        "accounts/web jwt now digest",
        "accounts/web jwt 1",
        "accounts/web",
        " operator jwt 1 d",
    ],
)
def test_a_fact_that_is_not_understood_is_an_error_and_never_dropped(line: str) -> None:
    error = refusal(f"{HEADER}{FACT}\n{line}\n")
    assert error.message.startswith("natsbackend.lock:3: ")


def test_a_digit_of_another_script_is_no_time() -> None:
    assert ":3: " in refusal(f"{HEADER}{FACT}\naccounts/db jwt ٣٤ d\n").message


def test_a_public_key_whose_checksum_does_not_fit_is_refused() -> None:
    broken = KEYS[0][:20] + ("A" if KEYS[0][20] != "A" else "B") + KEYS[0][21:]
    assert ":2: " in refusal(f"{HEADER}accounts/web key active {broken}\n").message


def test_one_path_issued_twice_is_refused_since_one_of_the_times_is_wrong() -> None:
    text = f"{HEADER}{FACT}\naccounts/db jwt 1 a\naccounts/db jwt 2 a\n"
    assert ":4: " in refusal(text).message


def test_a_jwt_of_a_path_without_a_key_is_refused_since_its_identity_was_lost() -> None:
    assert "accounts/web" in refusal(f"{HEADER}{FACT}\naccounts/web jwt 1 a\n").message


def test_two_active_keys_of_one_path_are_refused_and_the_path_is_named() -> None:
    error = refusal(f"{HEADER}accounts/web key active {KEYS[0]}\naccounts/web key active {KEYS[1]}\n")
    assert "accounts/web has two active keys" in error.message


def test_one_key_in_two_states_is_refused_and_not_settled_by_the_order_of_lines() -> None:
    """What a merge leaves where one branch retired a key and the other did not."""
    refusal(f"{HEADER}accounts/web key active {KEYS[0]}\naccounts/web key retired {KEYS[0]}\n")


def test_a_rename_moves_the_path_and_what_is_below_it_but_no_look_alike() -> None:
    lock = Lock(
        keys={
            "accounts/web": {KEYS[0]: KeyState.ACTIVE},
            "accounts/web/roles/viewer": {KEYS[1]: KeyState.ACTIVE},
            "accounts/web2": {KEYS[2]: KeyState.ACTIVE},
            "accounts/web-old/users/web": {KEYS[3]: KeyState.ACTIVE},
            "x/accounts/web": {KEYS[4]: KeyState.ACTIVE},
        },
        issued={
            "accounts/web": Issued(1, "a"),
            "accounts/web/users/u": Issued(2, "b"),
            "accounts/web2": Issued(3, "c"),
        },
    )
    moved = lock.renamed("accounts/web", "accounts/site")
    assert {path: next(iter(keys)) for path, keys in moved.keys.items()} == {
        "accounts/site": KEYS[0],
        "accounts/site/roles/viewer": KEYS[1],
        "accounts/web2": KEYS[2],
        "accounts/web-old/users/web": KEYS[3],
        "x/accounts/web": KEYS[4],
    }
    assert moved.issued == {
        "accounts/site": Issued(1, "a"),
        "accounts/site/users/u": Issued(2, "b"),
        "accounts/web2": Issued(3, "c"),
    }


def test_a_rename_onto_a_path_that_was_used_before_keeps_what_is_on_record_there() -> None:
    lock = Lock(
        keys={
            "accounts/old": {KEYS[0]: KeyState.RETIRED},
            "accounts/old/users/u": {KEYS[1]: KeyState.RETIRED},
            "accounts/web": {KEYS[2]: KeyState.ACTIVE},
        },
        issued={"accounts/old": Issued(1, "a"), "accounts/web": Issued(2, "b")},
    )
    moved = lock.renamed("accounts/web", "accounts/old")
    assert moved.keys == {
        "accounts/old": {KEYS[0]: KeyState.RETIRED, KEYS[2]: KeyState.ACTIVE},
        "accounts/old/users/u": {KEYS[1]: KeyState.RETIRED},
    }
    assert moved.issued == {"accounts/old": Issued(2, "b")}


def test_a_rename_there_and_back_changes_nothing() -> None:
    assert LOCK.renamed("accounts/web", "accounts/x").renamed("accounts/x", "accounts/web") == LOCK


USER = KeyPair(KeyRole.USER, b"u" * 32).public


def test_what_ended_reads_back_whatever_a_server_takes_for_a_key() -> None:
    gone = {"accounts/web": {KEYS[0]: KeyState.RETIRED, KEYS[1]: KeyState.RETIRED}}
    lock = Lock(
        gone,
        {},
        revoked={"accounts/web": {"*": 5, USER: 6, "no key: 100%": 7}},
        known={"accounts/web": {USER: 4, "*": 1}},
        tombstones={"accounts/web": {KEYS[0]: 8}},
        pruned={"accounts/web": {KEYS[1]: 9}},
    )
    text = render_lock(lock)
    assert parse_lock(text, "lock") == lock
    assert f"accounts/web revoked {USER} 6\n" in text
    assert "accounts/web revoked no%20key%3A%20100%25 7\n" in text


def test_of_two_times_of_one_key_the_later_counts() -> None:
    facts = "".join(f"accounts/web revoked * {at}\n" for at in (3, 9, 4))
    assert parse_lock(HEADER + facts, "lock").revoked == {"accounts/web": {"*": 9}}


@pytest.mark.parametrize("word", ["tombstone", "pruned"])
def test_a_grave_of_a_key_that_was_never_here_is_refused(word: str) -> None:
    text = f"{HEADER}accounts/web key retired {KEYS[0]}\naccounts/web {word} {KEYS[1]} 1\n"
    assert "a key that it never had" in refusal(text).message


def test_what_ended_goes_along_with_a_rename() -> None:
    lock = Lock(
        {"accounts/a": {KEYS[0]: KeyState.ACTIVE}},
        {},
        revoked={"accounts/a": {USER: 6}},
        known={"accounts/a": {USER: 4}},
        tombstones={"accounts/a": {KEYS[0]: 8}},
        pruned={"accounts/a": {KEYS[0]: 9}},
    )
    moved = lock.renamed("accounts/a", "accounts/b")
    for times in (moved.revoked, moved.known, moved.tombstones, moved.pruned):
        assert set(times) == {"accounts/b"}
    assert moved.dead_until("accounts/b", KEYS[0]) == 9
    assert moved.dead_until("accounts/b/users/x", USER) == 6
    assert moved.dead_until("accounts/b", KEYS[1]) == -1
