"""Subjects against the facts observed on nats-server 2.15.1, and their algebra against plain enumeration."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natsbackend import subjects
from natsbackend.subjects import SubjectIndex

# --- what is valid ----------------------------------------------------------------------------------------

VALID = [
    "a",
    "a.b",
    "*",
    ">",
    "a.*",
    "a.>",
    "*.*.>",
    "a*b",
    "a*.b>",
    "$SYS.REQ.>",
    "_INBOX.>",
    "$JS.API.INFO",
]
VALID += ["bücher.ß", "a.😀.b", "{{name()}}"]

INVALID = {
    "": "empty",
    ".": "dot",
    ".a": "dot",
    "a.": "dot",
    "a..b": "dot",
    "a b": "blanks",
    " a": "blanks",
    "a\tb": "blanks",
    "a.b\n": "blanks",
    "a\u00a0b": "blanks",  # strings.Fields splits a permission here
    "a\x00b": "control",
    "a\x7f": "control",
    "a\x85": "blanks",
    "a\ud800": "surrogate",
    "a.>.b": "last token",
    ">.a": "last token",
    ">.>": "last token",
    "*x.secret": "wildcard",
    "a.>x": "wildcard",
    "a.**": "wildcard",
}


@pytest.mark.parametrize("subject", VALID)
def test_subject_is_valid(subject: str) -> None:
    assert subjects.why_invalid(subject) is None


@pytest.mark.parametrize(("subject", "word"), INVALID.items())
def test_subject_is_refused_in_words(subject: str, word: str) -> None:
    reason = subjects.why_invalid(subject)
    assert reason is not None
    assert word in reason


def test_refusal_never_repeats_what_cannot_be_printed() -> None:
    reasons = [subjects.why_invalid(subject) for subject in INVALID]
    assert all(reason and reason.isprintable() and not reason.endswith(".") for reason in reasons)


@given(st.text("ab.*> \t\0\x85\u00a0é", max_size=8) | st.text(max_size=8))
def test_what_is_called_valid_satisfies_both_the_library_and_the_server(subject: str) -> None:
    if subjects.why_invalid(subject) is not None:
        return
    tokens = subject.split(".")
    assert all(tokens)
    assert ">" not in tokens[:-1]
    assert not set("\t\n\f\r \0") & set(subject)
    assert subject.split() == [subject]


@pytest.mark.parametrize("subject", ["*", ">", "a.*", "a.>", "*.a"])
def test_publishing_to_a_wildcard_is_refused(subject: str) -> None:
    assert "wildcard" in (subjects.why_invalid_publish(subject) or "")


def test_publishing_takes_literals_only_if_they_are_valid() -> None:
    assert subjects.why_invalid_publish("a.b*c") is None
    assert "empty" in (subjects.why_invalid_publish("") or "")


@pytest.mark.parametrize(("subject", "expected"), [("a.b", False), ("a*", False), ("a>.b", False)])
def test_signs_within_a_token_are_no_wildcards(subject: str, expected: bool) -> None:
    assert subjects.has_wildcard(subject) is expected


# --- the algebra, against enumeration ---------------------------------------------------------------------

LITERALS = [".".join(tokens) for n in (1, 2, 3, 4) for tokens in itertools.product("abc", repeat=n)]
"""One token more than any pattern has, and one letter (`c`) that no pattern names."""
_FIXED = [list(tokens) for n in (0, 1, 2, 3) for tokens in itertools.product("ab*", repeat=n)]
PATTERNS = [".".join(p) for p in _FIXED if p] + [".".join([*p, ">"]) for p in _FIXED if len(p) < 3]


def literals_of(pattern: str) -> frozenset[str]:
    """All literals a pattern matches, by another road than the code takes."""
    expression = re.escape(pattern).replace(r"\*", "[^.]+")
    expression = re.sub(r">$", ".+", expression)
    return frozenset(literal for literal in LITERALS if re.fullmatch(expression, literal))


SETS = {pattern: literals_of(pattern) for pattern in PATTERNS}


def test_matches_equals_enumeration() -> None:
    for pattern, literals in SETS.items():
        assert {literal for literal in LITERALS if subjects.matches(pattern, literal)} == literals, pattern


def test_is_subset_equals_enumeration() -> None:
    for inner, outer in itertools.product(PATTERNS, repeat=2):
        assert subjects.is_subset(inner, outer) == (SETS[inner] <= SETS[outer]), (inner, outer)


def test_overlaps_and_intersect_equal_enumeration() -> None:
    for a, b in itertools.product(PATTERNS, repeat=2):
        common = SETS[a] & SETS[b]
        assert subjects.overlaps(a, b) == bool(common), (a, b)
        both = subjects.intersect(a, b)
        assert (frozenset() if both is None else literals_of(both)) == common, (a, b, both)


@pytest.mark.parametrize("token", ["a*", "a>", "a*b", "$1"])
def test_a_token_with_a_sign_in_it_is_compared_as_text(token: str) -> None:
    assert subjects.matches(f"x.{token}", f"x.{token}")
    assert not subjects.matches(f"x.{token}", "x.ab")
    assert not subjects.is_subset("x.y", f"x.{token}")
    assert subjects.is_subset(f"x.{token}", "x.*")
    assert subjects.intersect(f"x.{token}", "*.>") == f"x.{token}"


ONE_TOKEN = st.sampled_from(["a", "b", "c", "*"])
PATTERN = st.builds(
    lambda tokens, rest: ".".join([*tokens, *rest]),
    st.lists(ONE_TOKEN, min_size=1, max_size=6),
    st.sampled_from([[], [">"]]),
) | st.just(">")


@given(PATTERN, PATTERN)
def test_intersection_is_within_both_and_is_the_same_from_either_side(a: str, b: str) -> None:
    both = subjects.intersect(a, b)
    assert both == subjects.intersect(b, a)
    assert subjects.overlaps(a, b) is (both is not None)
    if both is not None:
        assert subjects.why_invalid(both) is None
        assert subjects.is_subset(both, a)
        assert subjects.is_subset(both, b)


@given(PATTERN, PATTERN)
def test_a_subset_is_its_own_intersection(a: str, b: str) -> None:
    assert subjects.is_subset(a, b) is (subjects.intersect(a, b) == a)


def test_only_one_pattern_alone_covers() -> None:
    assert subjects.covered("a.b", ["x", "a.*"])
    assert not subjects.covered(">", ["*", "*.>"])
    assert not subjects.covered("a", [])


def test_superset_import_is_not_covered_by_its_export() -> None:
    """Facts 3.1: the server drops such an import without a word."""
    assert subjects.is_subset("ev.eu.*", "ev.>")
    assert not subjects.is_subset("ev.>", "ev.eu.*")


# --- what a subscribe permission admits -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "subscription", "expected"),
    [
        ("foo.*", "foo.a", True),
        ("foo.*", "foo.*", True),
        ("foo.*", "foo.>", True),  # observed: `foo.a.b` is then delivered
        ("*", ">", True),  # observed
        ("foo.*", "foo.a.b", False),
        ("foo.*", ">", False),
        ("foo.*", "*.a", False),
        ("foo.a", "foo.>", False),
        ("foo.>", "foo.>", True),
        ("foo.>", "foo", False),
        ("*.a", "*.>", False),
        ("a.b*", "a.b>", False),
    ],
)
def test_admits_what_the_server_admits(permission: str, subscription: str, expected: bool) -> None:
    assert subjects.admits(permission, subscription) is expected


def looked_up_as_literal(permission: str, subscription: str) -> bool:
    """What `Sublist.Match` of the server does: the wildcards of the wanted subject are tokens like others."""
    return subjects.matches(permission, subscription.replace("*", "STAR").replace(">", "REST"))


def test_admits_equals_a_literal_lookup() -> None:
    for permission, subscription in itertools.product(PATTERNS, repeat=2):
        expected = looked_up_as_literal(permission, subscription)
        assert subjects.admits(permission, subscription) == expected, (permission, subscription)


# --- entries of permissions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("a.b", ("a.b", None)),
        ("a.b workers", ("a.b", "workers")),
        ("a.{{ name() }}", ("a.{{ name() }}", None)),
        ("a.{{ name() }} q", ("a.{{ name() }}", "q")),
        ("a  b", ("a", " b")),
        (" a", ("", "a")),
    ],
)
def test_queue_is_split_off_outside_of_templates(entry: str, expected: tuple[str, str | None]) -> None:
    assert subjects.split_queue(entry) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "a.>",
        "a q",
        "a q.*",
        "user.{{name()}}.>",
        "{{ NAME() }}",
        "u-{{tag(team)}}",
        "{{account-tag(x.y)}}.a",
        "a.{b}",
    ],
)
def test_subscribe_permission_is_valid(entry: str) -> None:
    assert subjects.why_invalid_permission(entry, queue_allowed=True) is None


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("", "empty"),
        ("a b c", "queue group"),
        ("a  b", "queue group"),
        ("a ", "queue group"),
        (" a", "empty"),
        ("a.>.b", "last token"),
        ("a..{{name()}}", "dot"),
        ("a.{{name()", "template"),
        ("a.name()}}", "template"),
        ("a.{{}}", "template"),
        ("a.{{ }}", "template function"),
        ("a.{{nam()}}", "account-subject()"),
        ("a.{{name}}", "template function"),
        ("a.{{name( )}}", "template function"),
        ("a.{{{name()}}}", "template function"),
        ("a.{{tag()}}", "name of a tag"),
        ("a.{{tag( x)}}", "name of a tag"),
        ("a.{{TAG(x)}}", 'write "tag(…)"'),
        ("a.{{name()}} q", "both a template and a queue group"),
        ("a {{name()}}", "both a template and a queue group"),
    ],
)
def test_permission_is_refused_in_words(entry: str, word: str) -> None:
    assert word in (subjects.why_invalid_permission(entry, queue_allowed=True) or "")


def test_publish_permission_cannot_name_a_queue() -> None:
    """Facts 2.6: the server shuts the user out at its next login."""
    reason = subjects.why_invalid_permission("a q", queue_allowed=False)
    assert reason is not None
    assert "only a subscribe permission" in reason
    assert subjects.why_invalid_permission("a.{{name()}}", queue_allowed=False) is None


def test_template_functions_are_read_in_order() -> None:
    found = subjects.template_functions("{{Name()}}.{{ account-tag(Region) }}.x-{{tag(a:b)}}.{{who()}}")
    assert [(f.name, f.argument, f.problem is None) for f in found] == [
        ("name", None, True),
        ("account-tag", "region", True),
        ("tag", "a:b", True),
        ("who()", None, False),
    ]
    assert found[1].text == "{{ account-tag(Region) }}"


def test_an_unknown_template_with_control_characters_is_quoted_safely() -> None:
    (found,) = subjects.template_functions("{{\x1b[31m\n}}")
    assert found.problem is not None
    assert found.problem.isprintable()


# --- local subjects of imports ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "local"),
    [
        ("a", "b"),
        ("a.*", "b.*"),
        ("a.*", "b.$1"),
        ("a.*.*", "$2.b.$1"),
        ("a.*.*", "$2.*"),
        ("a.*.*", "*.$2"),
        ("a.*.>", "b.$1.>"),
        (">", "b.>"),
        ("a.*", "$JS.$1.$x"),
        ("svc.ABC.x", "svc.x"),
    ],
)
@pytest.mark.parametrize("service", [False, True])
def test_local_subject_is_valid(subject: str, local: str, service: bool) -> None:
    assert subjects.why_invalid_local(subject, local, service=service) is None


@pytest.mark.parametrize(
    ("subject", "local", "word"),
    [
        ("a", "", "empty"),
        ("a", "b c", "blanks"),
        ("a.>", "b", 'both end in ">"'),
        ("a", "b.>", 'both end in ">"'),
        ("a.*", "b", 'add "$1"'),
        ("a.*.*", "b.$2", 'add "$1"'),
        ("a", "b.*", 'more "*"'),
        ("a.*", "*.*", 'more "*"'),
        ("a", "b.$1", "it has none"),
        ("a.*", "b.$3", "stands for no"),
        ("a.*", "b.$0", "stands for no"),  # the library takes it, and `ev.a` arrives as `my.ev`
        ("a.*", "b.$-1", "stands for no"),
        ("a.*", "b.$01", "stands for no"),
        ("a.*", "b.$+1", "stands for no"),
        ("a.*", "b.$1x", "stands for no"),
        ("a.*", "b.$" + "9" * 5000, "stands for no"),
        ("a.*.*", "b.$1.$1", "twice"),
        ("a.*.*", "b.*.$1", "twice"),  # the library takes it, and a request to `b.X.Y` arrives as `a.X.X`
        ("a.*", "b.{{wildcard(1)}}", "{{…}}"),
        ("a.$1.*", "b.*", "cannot be renamed"),
    ],
)
@pytest.mark.parametrize("service", [False, True])
def test_local_subject_is_refused_in_words(subject: str, local: str, word: str, service: bool) -> None:
    assert word in (subjects.why_invalid_local(subject, local, service=service) or "")


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_service_takes_only_an_order_that_the_server_can_undo(order: tuple[int, int, int]) -> None:
    """The server puts what stands at place order[k] of a request into the exporter's `*` number k.

    Observed: with `l.$2.$3.$1` a request to `l.B.C.A`, which means `s.A.B.C`, arrived as `s.C.A.B`.
    """
    local = "l." + ".".join(f"${number}" for number in order)
    asked = "ABC"
    seen_by_exporter = "s." + ".".join(asked[number - 1] for number in order)
    meant = subjects.request_subject("s.*.*.*", local, "l.A.B.C")
    refused = subjects.why_invalid_local("s.*.*.*", local, service=True) is not None
    assert refused is (seen_by_exporter != meant)
    assert subjects.why_invalid_local("s.*.*.*", local, service=False) is None


@pytest.mark.parametrize(
    ("subject", "local", "published", "expected"),
    [
        ("ev.*.*.*", "le.$2.$3.$1", "ev.A.B.C", "le.B.C.A"),  # observed
        ("ev.*.*", "my.$2.*", "ev.a.b", "my.b.a"),
        ("ev.>", "my.>", "ev.a.b", "my.a.b"),
        ("ev.*.>", "$1.>", "ev.a.b.c", "a.b.c"),
        (">", "all.>", "x", "all.x"),
        ("ev.a", "b", "ev.a", "b"),
        ("ev.a", None, "ev.a", "ev.a"),
        ("ev.*", "my.*", "ev.a.b", None),
        ("ev.*", None, "other.a", None),
        ("ev.*.*", "my.$2.$1", "ev.a.*", "my.*.a"),
        ("ev.*.>", "my.$1.>", "ev.*.x.>", "my.*.x.>"),
        ("ev.*", "my.*", "ev.>", None),
    ],
)
def test_rename(subject: str, local: str | None, published: str, expected: str | None) -> None:
    assert subjects.rename(subject, local, published) == expected


@pytest.mark.parametrize(
    ("subject", "local", "requested", "expected"),
    [
        ("svc.ABC.*", "svc.$1", "svc.x", "svc.ABC.x"),
        ("q.*.*", "l.$2.$1", "l.a.b", "q.b.a"),
        ("q.>", "l.>", "l.a.b", "q.a.b"),
        ("q", None, "q", "q"),
        ("q", "l", "q", None),
        ("q.*", None, "l.a", None),
    ],
)
def test_request_subject(subject: str, local: str | None, requested: str, expected: str | None) -> None:
    assert subjects.request_subject(subject, local, requested) == expected


@pytest.mark.parametrize(
    ("subject", "local", "expected"),
    [("a.*", None, "a.*"), ("a.*.*.>", "b.$2.*.>", "b.*.*.>"), ("a", "$JS.b", "$JS.b")],
)
def test_import_local(subject: str, local: str | None, expected: str) -> None:
    assert subjects.import_local(subject, local) == expected


@st.composite
def renamings(draw: st.DrawFn) -> tuple[str, str, str]:
    """Draw a subject, a local subject that is valid for it, and a literal or pattern within the subject."""
    tokens = draw(st.lists(ONE_TOKEN, min_size=1, max_size=6))
    rest = draw(st.sampled_from([[], [">"]]))
    order = draw(st.permutations(range(1, tokens.count("*") + 1)))
    local = [f"${number}" for number in order]
    for word in draw(st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=3)):
        local.insert(draw(st.integers(0, len(local))), word)
    values = st.sampled_from(["p", "q", "*"])
    within = [draw(values) if token == "*" else token for token in tokens]
    within += draw(st.lists(values, min_size=1, max_size=3)) if rest else []
    return ".".join(tokens + rest), ".".join(local + rest), ".".join(within)


@given(renamings())
def test_renaming_there_and_back_returns_the_same(case: tuple[str, str, str]) -> None:
    subject, local, within = case
    assert subjects.why_invalid_local(subject, local, service=False) is None
    renamed = subjects.rename(subject, local, within)
    assert renamed is not None
    assert subjects.is_subset(renamed, subjects.import_local(subject, local))
    assert subjects.request_subject(subject, local, renamed) == within


# --- many patterns at once --------------------------------------------------------------------------------


def index_of(patterns: list[str]) -> SubjectIndex[int]:
    index: SubjectIndex[int] = SubjectIndex()
    for number, pattern in enumerate(patterns):
        index.add(pattern, number)
    return index


def naive(patterns: list[str], accept: list[bool]) -> tuple[int, ...]:
    return tuple(number for number, _ in enumerate(patterns) if accept[number])


@settings(max_examples=200)
@given(st.lists(PATTERN, max_size=25), PATTERN)
def test_index_answers_as_a_loop_over_all_would(patterns: list[str], asked: str) -> None:
    index = index_of(patterns)
    assert len(index) == len(patterns)
    assert index.covering(asked) == naive(patterns, [subjects.is_subset(asked, p) for p in patterns])
    assert index.overlapping(asked) == naive(patterns, [subjects.overlaps(asked, p) for p in patterns])
    literal = asked.replace("*", "a").replace(">", "b.c")
    assert index.matching(literal) == naive(patterns, [subjects.matches(p, literal) for p in patterns])


def test_index_keeps_every_value_of_a_pattern_in_the_order_added() -> None:
    index = index_of(["a.>", "a.b", "a.*", "a.b", "b"])
    assert index.matching("a.b") == (0, 1, 2, 3)
    assert index.overlapping(">") == (0, 1, 2, 3, 4)
    assert index.covering(">") == ()


def test_index_finds_its_few_among_many_without_visiting_them() -> None:
    index = index_of([f"t{n}.events.>" for n in range(5000)] + ["*.events.a"])
    assert index.overlapping("t42.*.a") == (42, 5000)
    assert index.covering("t42.events.a.b") == (42,)


def test_a_subject_of_thousands_of_tokens_does_not_exhaust_the_stack() -> None:
    long = ".".join("a" * 5000)
    index = index_of([long, f"{long}.>", ">"])
    assert index.overlapping(">") == (0, 1, 2)
    assert index.covering(long) == (0, 2)


@settings(max_examples=50)
@given(st.lists(PATTERN, min_size=1, max_size=25), PATTERN)
def test_an_index_that_was_asked_still_takes_patterns(patterns: list[str], asked: str) -> None:
    index: SubjectIndex[int] = SubjectIndex()
    for number, pattern in enumerate(patterns):
        index.add(pattern, number)
        index.covering(asked)
    assert index.covering(asked) == index_of(patterns).covering(asked)
    assert index.overlapping(asked) == index_of(patterns).overlapping(asked)
