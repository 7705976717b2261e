"""In what order accounts are pushed: whoever exports before whoever imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def exporters_first(needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the keys so that each comes after those it needs, where that order exists.

    A server that applies an import looks for the export at once; what comes later it installs later. Accounts that
    import from each other have no such order: one of them stays first. What is needed and is no key is left out.
    """
    done: dict[str, None] = {}
    entered: set[str] = set()
    for root in needs:
        path = [(root, iter(needs[root]))] if root not in entered else []
        entered.add(root)
        while path:
            account, rest = path[-1]
            following = next((one for one in rest if one in needs and one not in entered), None)
            if following is None:
                done[account] = None
                path.pop()
            else:
                entered.add(following)
                path.append((following, iter(needs[following])))
    return tuple(done)
