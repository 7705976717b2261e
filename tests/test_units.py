"""Durations, sizes, counts and dates: what each text means, and that nothing else means anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic_core import PydanticCustomError

from natsbackend.spec import units
from natsbackend.spec.schema import json_schema

SECOND = 1_000_000_000
INT64 = 2**63 - 1
READERS = (
    units.nanoseconds,
    units.positive_nanoseconds,
    units.seconds,
    units.size,
    units.limit,
    units.size_limit,
    units.timestamp,
)


def refused(read: Callable[[object], int], value: object) -> str:
    """Return the message and hint a value is refused with."""
    with pytest.raises(PydanticCustomError) as caught:
        read(value)
    context = caught.value.context
    assert context is not None
    return f"{context['message']}; {context['hint']}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", 0),
        ("1ns", 1),
        ("1us", 1000),
        ("1µs", 1000),
        ("250ms", 250_000_000),
        ("30s", 30 * SECOND),
        ("1m", 60 * SECOND),
        ("1m30s", 90 * SECOND),
        ("2h30m", 9000 * SECOND),
        ("7d", 7 * 86400 * SECOND),
        ("2w", 14 * 86400 * SECOND),
        ("1.5h", 5400 * SECOND),
        ("0.1s", 100_000_000),
        ("9007199254740993ns", 9007199254740993),  # a float would lose the last digit
        (f"{INT64}ns", INT64),
    ],
)
def test_a_duration(text: str, expected: int) -> None:
    assert units.nanoseconds(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "5",
        5,
        1.5,
        "s",
        "1 s",
        "-1s",
        "+1s",
        "1S",
        "1y",
        "1.s",
        ".5s",
        "1e3s",
        "1s ",
        "٣s",
        "0.5ns",
        True,
        None,
        "1m1",
        "1ms1",
        f"{INT64 + 1}ns",
        "9" * 20 + "w",
        "9" * 400 + "s",
        "9" * 5000 + "s",
        [],
        {"a": 1},
        "1s\n",
    ],
)
def test_no_duration(value: object) -> None:
    assert "is not a duration; write it with a unit" in refused(units.nanoseconds, value)


@pytest.mark.parametrize(("text", "expected"), [("1s", 1), ("15m", 900), ("1000ms", 1), ("0.5m", 30)])
def test_whole_seconds(text: str, expected: int) -> None:
    assert units.seconds(text) == expected


@pytest.mark.parametrize("text", ["0s", "999ms", "1500ms", "1.5s", "1s1ns"])
def test_no_whole_seconds(text: str) -> None:
    assert "whole seconds" in refused(units.seconds, text)


def test_zero_is_refused_where_the_server_would_take_its_default() -> None:
    assert units.positive_nanoseconds("1ns") == 1
    assert "0s" in refused(units.positive_nanoseconds, "0s")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (1024, 1024),
        ("0", 0),
        ("1024", 1024),
        ("1B", 1),
        ("1K", 1000),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("1Ki", 1024),
        ("64KiB", 65536),
        ("10MB", 10_000_000),
        ("10 MB", 10_000_000),
        ("1GiB", 2**30),
        ("1.5GiB", 3 * 2**29),
        ("1TiB", 2**40),
        ("2P", 2 * 10**15),
        ("1PiB", 2**50),
        ("1.001KB", 1001),  # a float makes 1000.9999999999999 of it
        (INT64, INT64),
        (str(INT64), INT64),
    ],
)
def test_a_size(value: object, expected: int) -> None:
    assert units.size(value) == expected
    assert units.size_limit(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "B",
        "KiB",
        "1kb",
        "1k",
        "1KIB",
        "1 KiB ",
        "1  KB",
        "1,5KB",
        "1_000",
        "1e3",
        "0x10",
        "1.5B",
        "0.0001KB",
        "٣",
        "²",
        1.5,
        float("inf"),
        True,
        None,
        INT64 + 1,
        "9" * 400,
        "9" * 400 + ".0KB",
        "9" * 5000,
        [],
        "1\n",
        "10EB",
    ],
)
def test_no_size(value: object) -> None:
    assert "is not a size" in refused(units.size, value)
    assert "is not a size" in refused(units.size_limit, value)


@pytest.mark.parametrize("value", [-1, -1.5, "-1"])
def test_a_negative_size_is_refused_with_the_word_for_no_limit(value: object) -> None:
    refused(units.size, value)
    if not isinstance(value, str):
        assert "`unlimited`" in refused(units.size_limit, value)


def test_unlimited() -> None:
    assert units.limit("unlimited") == units.size_limit("unlimited") == units.UNLIMITED == -1
    refused(units.size, "unlimited")


@pytest.mark.parametrize("value", ["5", "", "Unlimited", 1.0, -1, INT64 + 1, True, False, None, [], "١"])
def test_no_count(value: object) -> None:
    assert "`unlimited`" in refused(units.limit, value)


@pytest.mark.parametrize("value", [0, 1, INT64])
def test_a_count(value: int) -> None:
    assert units.limit(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31t12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2027-01-31 12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2027-01-31T12:00:00.999Z", datetime(2027, 1, 31, 12, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_date(text: str, expected: datetime) -> None:
    assert units.timestamp(text) == int(expected.timestamp())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2027",
        "2027-1-31",
        "31.12.2027",
        "2027-02-30",
        "2025-02-29",
        "2027-01-31T12:00:00",
        "1969-12-31",
        "1970-01-01",
        "2027-01-31T",
        "2027-01-31T25:00:00Z",
        "٢٠٢٧-01-31",
        "2027-01-31T12:00Zx",
        1800000000,
        True,
        None,
        "2027-01-31\n",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59x",
        "2027-W01-1",
        "20270131",
    ],
)
def test_no_date(value: object) -> None:
    assert "is not a date" in refused(units.timestamp, value)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text())))
def test_a_value_is_read_within_bounds_or_refused_in_few_words(value: object) -> None:
    for read in READERS:
        try:
            result = read(value)
        except PydanticCustomError as e:
            context = e.context or {}
            assert len(context["message"]) < 200
        else:
            assert -1 <= result <= INT64


@given(
    st.lists(
        st.tuples(st.integers(0, 10**4), st.sampled_from(["ns", "us", "µs", "ms", "s", "m", "h", "d", "w"])),
        min_size=1,
    )
)
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    single = [units.nanoseconds(f"{number}{unit}") for number, unit in parts]
    text = "".join(f"{number}{unit}" for number, unit in parts)
    if sum(single) <= INT64:
        assert units.nanoseconds(text) == sum(single)
    else:
        refused(units.nanoseconds, text)


@given(
    st.decimals(0, 10**6, places=3, allow_nan=False), st.sampled_from(["KB", "KiB", "MB", "MiB", "GB", "GiB"])
)
def test_a_size_is_exact_or_refused(number: Decimal, unit: str) -> None:
    factor = (1024 if "i" in unit else 1000) ** ("KMG".index(unit[0]) + 1)
    exact = number * factor
    if exact == int(exact):
        assert units.size(f"{number}{unit}") == exact
    else:
        refused(units.size, f"{number}{unit}")


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_time_is_read_as_it_was_written(moment: datetime) -> None:
    assert units.timestamp(moment.isoformat()) == int(moment.timestamp())


def test_a_duration_from_outside_a_spec() -> None:
    assert units.read_seconds("15m") == 900
    with pytest.raises(ValueError, match="'15' is not a duration; write it with a unit"):
        units.read_seconds("15")


@given(st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{1,3}(\.[0-9])? ?[A-Za-z]{0,3}", fullmatch=True)))
def test_the_schema_admits_a_text_that_the_reader_takes(text: str) -> None:
    """An editor must not mark what the tool accepts. (The tool refuses more: a pattern has no bounds.)"""
    for read, word in (
        (units.positive_nanoseconds, "ResponsesSpec.ttl"),
        (units.size_limit, "UserLimitsSpec.payload"),
        (units.limit, "UserLimitsSpec.subscriptions"),
        (units.timestamp, "UserSpec.expires"),
    ):
        try:
            read(text)
        except PydanticCustomError:
            continue
        assert admits(word, text)


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,2})?(h|m|s|ms|us|ns|d|w)?", fullmatch=True))
def test_the_schema_refuses_a_duration_that_is_none(text: str) -> None:
    """What the pattern admits, and the reader does not, is a part of a nanosecond."""
    if admits("ResponsesSpec.ttl", text):
        assert units.nanoseconds(text.replace("ns", "s")) > 0
    else:
        refused(units.positive_nanoseconds, text)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_the_schema_admits_times(moment: datetime) -> None:
    for text in (moment.isoformat(), moment.isoformat().replace("+00:00", "Z"), moment.date().isoformat()):
        assert units.timestamp(text) >= 0
        assert admits("UserSpec.expires", text)


def test_the_schema_takes_unlimited_where_the_reader_does() -> None:
    for word in ("UserLimitsSpec.payload", "UserLimitsSpec.subscriptions", "JetStreamLimitsSpec.streams"):
        assert admits(word, "unlimited")
        assert not admits(word, -1)
    assert admits("UserLimitsSpec.subscriptions", 0)
    assert not admits("JetStreamLimitsSpec.streams", 0)
    assert not admits("JetStreamLimitsSpec.disk_max_stream", "0KiB")


def admits(word: str, value: object) -> bool:
    """Tell whether the schema of a word takes a value."""
    if word not in _VALIDATORS:
        owner, _, name = word.partition(".")
        known = json_schema()["$defs"][owner]["properties"][name]
        _VALIDATORS[word] = Draft202012Validator(known)
    return bool(_VALIDATORS[word].is_valid(value))


_VALIDATORS: dict[str, Draft202012Validator] = {}
