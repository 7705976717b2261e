"""Exporters before importers, where that order exists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from natsbackend.resolvers.order import exporters_first

NAMES = st.sampled_from("abcdefgh")


def test_whoever_exports_comes_first_and_the_rest_keeps_its_order() -> None:
    needs = {"web": ["db", "log"], "log": [], "db": ["log", "outside"], "x": []}
    assert exporters_first(needs) == ("log", "db", "web", "x")


def test_a_chain_longer_than_the_stack_is_no_problem() -> None:
    needs = {n: [n + 1] for n in range(5_000)}
    names = {str(n): [str(one) for one in rest] for n, rest in needs.items()}
    assert exporters_first(names)[0] == "4999"


@given(st.dictionaries(NAMES, st.lists(NAMES)))
def test_everybody_is_there_once_whatever_imports_what(needs: dict[str, list[str]]) -> None:
    assert sorted(exporters_first(needs)) == sorted(needs)


@given(st.dictionaries(st.integers(0, 30), st.lists(st.integers(0, 30))))
def test_without_cycles_each_comes_after_all_it_needs(numbers: dict[int, list[int]]) -> None:
    needs = {str(one): [str(other) for other in rest if other > one] for one, rest in numbers.items()}
    order = exporters_first(needs)
    place = {account: index for index, account in enumerate(order)}
    assert all(place[other] < place[one] for one in needs for other in needs[one] if other in needs)
