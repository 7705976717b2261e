"""The `tests:` section to policy tests: each line of `can`, `cannot` and `message` is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from natsbackend.errors import Location
from natsbackend.model.entities import Account, Action, Decision, Delivery, Principal
from natsbackend.model.names import is_template_safe
from natsbackend.model.serverside import Say
from natsbackend.spec.load import Spec, Step
from natsbackend.spec.policy_models import PolicyTestSpec, PrincipalSpec, TriesSpec


def policy_tests(spec: Spec, accounts: Mapping[str, Account], say: Say) -> tuple[Decision | Delivery, ...]:
    """Turn the policy tests into decisions and deliveries, in the order they are written."""
    reader = _Reader(spec, accounts, say)
    return tuple(test for index, model in enumerate(spec.model.tests) for test in reader.read(index, model))


_KINDS_OF_TEST = tuple(
    (who, what, frozenset({who, *whats}))
    for who, whats in (("as_", ("can", "cannot")), ("message", ("reaches", "not_reaches")))
    for what in whats
)
"""Words that must stand together in a policy test, and all that may stand there with them."""


class _Reader:
    def __init__(self, spec: Spec, accounts: Mapping[str, Account], say: Say) -> None:
        self.spec = spec
        self.accounts = accounts
        self.say = say

    def read(self, index: int, model: PolicyTestSpec) -> Iterator[Decision | Delivery]:
        words = model.model_fields_set
        if not any(words >= {who, what} and words <= kind for who, what, kind in _KINDS_OF_TEST):
            self.say(
                "test-shape",
                "a policy test has `as` with `can` or `cannot`, or `message` with `reaches` or `not_reaches`",
                self.spec.at("tests", index),
            )
            return
        if model.as_ is not None:
            who = self.principal(model.as_, "tests", index, "as")
            if who is not None:
                yield from self._tries(index, who, "can", model.can, allowed=True)
                yield from self._tries(index, who, "cannot", model.cannot, allowed=False)
            return
        delivery = self._delivery(index, model)
        if delivery is not None:
            yield delivery

    def _tries(
        self, index: int, who: Principal, word: str, tries: TriesSpec | None, *, allowed: bool
    ) -> Iterator[Decision]:
        if tries is None:
            return
        for action in (Action.SUBSCRIBE, Action.PUBLISH, Action.REQUEST):
            for i, subject in enumerate(getattr(tries, action.value)):
                at = self.spec.at("tests", index, word, action.value, i)
                yield Decision(who=who, action=action, subject=subject, allowed=allowed, at=at)

    def _delivery(self, index: int, model: PolicyTestSpec) -> Delivery | None:
        assert model.message is not None
        sender = self.principal(model.message.from_, "tests", index, "message", "from")
        reaches = self._all(model.reaches, index, "reaches")
        not_reaches = self._all(model.not_reaches, index, "not_reaches")
        if sender is None:
            return None
        return Delivery(
            sender=sender,
            subject=model.message.subject,
            reaches=reaches,
            not_reaches=not_reaches,
            at=self.spec.at("tests", index, "message"),
        )

    def _all(
        self, principals: Iterable[str | PrincipalSpec] | None, index: int, word: str
    ) -> tuple[Principal, ...]:
        found = (self.principal(p, "tests", index, word, i) for i, p in enumerate(principals or ()))
        return tuple(p for p in found if p is not None)

    def principal(self, model: str | PrincipalSpec, *path: Step) -> Principal | None:
        """Find who is meant: `ACCOUNT/USER`, `ACCOUNT/ROLE`, or a map that says which."""
        at = self.spec.at(*path)
        spec = PrincipalSpec() if isinstance(model, str) else model
        text = model if isinstance(model, str) else spec.user or spec.role
        if text is None or (spec.user and spec.role):
            self.say("test-principal", "exactly one of `user` and `role` is needed here", at)
            return None
        if spec.user and (spec.name is not None or spec.tags):
            self.say("test-principal", "`name` and `tags` are of a role's token; a user has its own", at)
            return None
        account = self._account(text, at)
        if account is None:
            return None
        name = text[len(account.name) + 1 :]
        if spec.role is None and name in account.users:
            return Principal(account=account.name, user=name, at=at)
        if spec.user is None and name in account.roles:
            return self._role(account, name, spec, at)
        known = [*([] if spec.role else account.users), *([] if spec.user else account.roles)]
        kind = "role" if spec.role else "user" if spec.user else "user or role"
        hint = _did_you_mean(name, known, account.name)
        if name in account.roles or name in account.users:
            hint = f"it is a {'user' if spec.role else 'role'}: write `{'user' if spec.role else 'role'}: {text}`"
        self.say("unknown-principal", f'account "{account.name}" has no {kind} "{name}"', at, hint)
        return None

    def _account(self, text: str, at: Location) -> Account | None:
        fitting = [a for name, a in self.accounts.items() if text.startswith(f"{name}/")]
        if fitting:
            return max(fitting, key=lambda a: len(a.name))
        hint = _did_you_mean(text.partition("/")[0], list(self.accounts), None)
        self.say(
            "unknown-principal", f'"{text}" names no account; write ACCOUNT/USER or ACCOUNT/ROLE', at, hint
        )
        return None

    def _role(self, account: Account, role: str, spec: PrincipalSpec, at: Location) -> Principal:
        name = spec.name if spec.name is not None else "someone"
        if not is_template_safe(name):
            self._not_mintable(f"the name {name[:60]!r}", at)
        for tag in spec.tags:
            key, colon, value = tag.partition(":")
            if not is_template_safe(key) or (colon and not is_template_safe(value)):
                self._not_mintable(f"the tag {tag[:60]!r}", at)
        return Principal(account=account.name, role=role, name=name, tags=tuple(spec.tags), at=at)

    def _not_mintable(self, what: str, at: Location) -> None:
        message = f"{what} could not be minted: it is not one plain subject token"
        self.say("test-principal", message, at, "use letters, digits, - and _")


def _did_you_mean(name: str, known: list[str], account: str | None) -> str | None:
    close = get_close_matches(name, known, 1, 0.6)
    if not close:
        return None
    return f"did you mean {account}/{close[0]}?" if account else f"did you mean {close[0]}?"
