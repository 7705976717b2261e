"""`up`: the main job end to end on this machine, with throwaway identities on loopback.

Everything it makes is below `.natsbackend/up/` beside the spec: lock, keys, build, data, log. The project's own
lock and keys are never read or written. It is kept, so that the next `up` finds the same identities and changes no
JWT. One `up` of a spec runs at a time; two would share one store.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from natsbackend.errors import Diagnostic, LiveServerError, ResolverError
from natsbackend.files import Batch
from natsbackend.live.imports import Observer, prove_imports
from natsbackend.live.principals import Principals
from natsbackend.live.proof import Endpoints, Identity, Proof
from natsbackend.live.prove import prove
from natsbackend.live.server import NatsServer, find_server, version
from natsbackend.model.entities import Backend, Principal, Role, Target
from natsbackend.model.permissions import ROLE_INBOX
from natsbackend.model.system import OBSERVER
from natsbackend.project import Project
from natsbackend.wording import counted
from natsbackend.workflow.collecting import collection_paused
from natsbackend.workflow.loopback import LOOPBACK, Loopback, LoopbackPorts, on_loopback
from natsbackend.workflow.opening import Opened, open_spec
from natsbackend.workflow.push import push
from natsbackend.workflow.signing import RoleSigner
from natsbackend.workflow.tree import Tree, plan_tree

Clock = Callable[[], int]

_PORT_TRIES = 3
_PROOF_TIMEOUT = 5.0
_NAME = "someone"
_PLAIN_WEBSOCKET = "[WRN] Websocket not configured with TLS"
"""The server warns of every plain websocket; on loopback there is nothing to warn of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What `up` brought up."""

    backend: Backend
    nats_url: str
    websocket_url: str | None
    origin: str | None
    """One that is allowed; proofs use it."""
    origins: tuple[str, ...]
    """All whose pages may connect."""
    project: Project
    """The throwaway project."""
    server: NatsServer
    server_version: str
    jwts_signed: int
    substitutions: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]
    proofs: tuple[Proof, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether every proof passed."""
        return all(proof.passed for proof in self.proofs)

    def websocket_roles(self) -> tuple[tuple[str, Role], ...]:
        """Return `ACCOUNT/ROLE` and role of every role for browsers."""
        return tuple(
            (f"{account.name}/{role.name}", role)
            for account in self.backend.accounts.values()
            for role in account.roles.values()
            if role.websocket
        )


class Listener(Protocol):
    """Hears how `up` is getting on; the command line shows it."""

    def step(self, text: str) -> None:
        """Something begins."""

    def done(self, text: str) -> None:
        """Something is done."""

    def note(self, text: str) -> None:
        """Something is worth saying."""

    def proof(self, proof: Proof) -> None:
        """Something was proven, or not."""


@dataclass(frozen=True, slots=True)
class _Identities:
    """Tokens of the throwaway project, for the prover."""

    signer: RoleSigner
    tree: Tree
    clock: Clock

    def of(self, principal: Principal) -> Identity:
        account = self.signer.backend.accounts[principal.account]
        if principal.user is not None:
            path = account.users[principal.user].path
            public = self.signer.keyring[path]
            return Identity(jwt=self.tree.tokens[path], key=self.signer.store.find(path, public))
        role = account.roles[str(principal.role)]
        minted = self.signer.mint(
            account, role, name=principal.name or _NAME, now=self.clock(), tags=principal.tags
        )
        return Identity(jwt=minted.jwt, key=minted.key)

    def unsigned(self) -> Identity:
        system = self.signer.backend.system_account
        return self.of(Principal(account=system.name, role=OBSERVER, name=_NAME))


@contextlib.contextmanager
def up(
    spec: Path, outer: Project, *, clock: Clock, listener: Listener, server: str | None = None
) -> Iterator[Running]:
    """Bring a spec up, prove it, and keep it up while inside.

    Args:
        spec: the file to read.
        outer: the project of the spec; only its throwaway part is used.
        clock: gives unix seconds.
        listener: hears of each step.
        server: the nats-server to run; None: the one on PATH, or that of the extra `server`.

    Raises:
        SpecError: the spec has errors.
        LiveServerError: no nats-server, a port in use, or a config it refuses; the server's own line is quoted.
        ResolverError: an account could not be pushed.
    """
    listener.step("reading the spec")
    with collection_paused():
        opened = open_spec(os.fspath(spec))
    binary = find_server(server)
    release = str(version(binary))
    outer.make_private()
    project = Project(outer.up)
    with project.mutex():
        started = _started(spec, opened, project, binary, clock, listener)
        nats, tree, loopback = started
        try:
            running = _prove(nats, tree, loopback, project, release, opened, clock, listener)
            yield running
        finally:
            nats.stop()


def _started(
    spec: Path, opened: Opened, project: Project, binary: Path, clock: Clock, listener: Listener
) -> tuple[NatsServer, Tree, Loopback]:
    """Generate and start; where a port of our own choice was taken meanwhile, choose others and try again."""
    remembered = project.root / "ports.json"
    for attempt in range(_PORT_TRIES):
        ports = _free_ports(remembered if attempt == 0 else None)
        loopback = on_loopback(
            opened.backend, ports, spec_dir=spec.parent, data=(project.root / "data").absolute()
        )
        tree = _generate(Opened(loopback.backend, opened.warnings), project, clock, listener)
        nats = NatsServer(
            binary, project.server_conf, log=project.root / "server.log", cwd=project.root.absolute()
        )
        listener.step("starting nats-server")
        try:
            nats.start()
        except LiveServerError as e:
            ours = {p for p in (ports.nats, ports.websocket) if f":{p}" in e.message}
            if "in use" in e.message and ours and attempt + 1 < _PORT_TRIES:
                continue
            raise
        try:
            _remember(remembered, ports)
        except BaseException:  # ^C included: whoever started it stops it
            nats.stop()
            raise
        return nats, tree, loopback
    raise LiveServerError("no free ports on this machine")


def _generate(opened: Opened, project: Project, clock: Clock, listener: Listener) -> Tree:
    listener.step("making keys and signing JWTs")
    with collection_paused():
        tree = plan_tree(opened, project, now=clock(), not_renamed=True)
        tree.write()
    listener.done(
        f"{counted(len(tree.new_keys), 'key')} made, {counted(len(tree.signed), 'JWT')} signed, "
        f"{counted(len(tree.files), 'file')} up to date"
    )
    return tree


def _prove(
    nats: NatsServer,
    tree: Tree,
    loopback: Loopback,
    project: Project,
    release: str,
    opened: Opened,
    clock: Clock,
    listener: Listener,
) -> Running:
    server = loopback.server
    nats_url = f"nats://{server.listen.host}:{server.listen.port}"
    websocket = server.websocket
    scheme = "wss" if websocket and websocket.tls else "ws"
    # `localhost`, so that the cookie of a page on localhost goes with it: 127.0.0.1 is another site to a browser
    websocket_url = f"{scheme}://localhost:{websocket.listen.port}" if websocket else None
    for text in loopback.substitutions:
        listener.note(text)
    proofs: list[Proof] = []

    def tell(proof: Proof) -> None:
        proofs.append(proof)
        listener.proof(proof)

    tell(_config_proof(nats, release))
    tell(_push_proof(tree, nats_url, clock, listener))
    listener.step("proving")
    signer = RoleSigner(tree.backend, tree.lock.keyring(), tree.store)
    endpoints = Endpoints(
        nats=nats_url,
        websocket=websocket_url,
        origin=loopback.origin,
        ca_file=websocket.tls.cert_file if websocket and websocket.tls else None,
    )
    identities = _Identities(signer, tree, clock)
    for proof in prove(tree.backend, identities, endpoints):
        tell(proof)
    for proof in _import_proofs(tree, identities, endpoints):
        tell(proof)
    return Running(
        backend=tree.backend,
        nats_url=nats_url,
        websocket_url=websocket_url,
        origin=loopback.origin,
        origins=websocket.allowed_origins if websocket else (),
        project=project,
        server=nats,
        server_version=release,
        jwts_signed=len(tree.signed),
        substitutions=loopback.substitutions,
        warnings=opened.warnings,
        proofs=tuple(proofs),
    )


def _config_proof(nats: NatsServer, release: str) -> Proof:
    warnings = [line for line in nats.warnings() if not line.startswith(_PLAIN_WEBSOCKET)]
    return Proof(
        id="config-accepted",
        title=f"nats-server {release} starts on the generated config",
        passed=not warnings,
        expected="ready, without a warning",
        observed=warnings[0] if warnings else "ready, without a warning",
    )


def _push_proof(tree: Tree, url: str, clock: Clock, listener: Listener) -> Proof:
    listener.step("pushing accounts")
    target = Target(name="up", urls=(url,), servers=1)
    try:
        results = push(tree, target, now=clock())
    except ResolverError as e:
        observed, passed = e.message, False
    else:
        problems = [f'account "{r.name}": {p}' for r in results for p in r.problems()]
        sent = sum(not r.is_unchanged for r in results)
        passed = not problems
        observed = (
            "; ".join(problems[:5]) or f"{counted(len(results), 'account')} read back, {sent} of them new"
        )
    return Proof(
        id="accounts-pushed",
        title=f"{counted(len(tree.backend.accounts), 'account')} {_are(tree)} in the server's resolver",
        passed=passed,
        expected="every account reads back as it was pushed",
        observed=observed,
    )


def _import_proofs(tree: Tree, identities: _Identities, endpoints: Endpoints) -> Iterator[Proof]:
    """Look again at what the server made of the accounts, now that they are in use."""
    system = tree.backend.system_account
    inbox = (system.roles[OBSERVER].permissions.inbox or ROLE_INBOX).replace("{{name()}}", _NAME)
    observer = Observer(identity=identities.unsigned(), inbox=inbox)
    keyring = tree.lock.keyring()
    keys = {account.name: keyring[account.path] for account in tree.backend.accounts.values()}
    with Principals(tree.backend, identities, endpoints, timeout=_PROOF_TIMEOUT) as principals:
        yield from prove_imports(principals, keys, observer, now=identities.clock())


def _are(tree: Tree) -> str:
    return "is" if len(tree.backend.accounts) == 1 else "are"


def _free_ports(remembered: Path | None) -> LoopbackPorts:
    """Choose ports: those of the last time if they are still free, so that URLs stay, else any."""
    if remembered is not None:
        try:
            last = json.loads(remembered.read_text(encoding="utf-8"))
            ports = LoopbackPorts(nats=int(last["nats"]), websocket=int(last["websocket"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass
        else:
            if _is_free(ports.nats) and _is_free(ports.websocket):
                return ports
    with _bound(0) as one, _bound(0) as other:
        return LoopbackPorts(nats=one.getsockname()[1], websocket=other.getsockname()[1])


def _remember(file: Path, ports: LoopbackPorts) -> None:
    batch = Batch()
    batch.add(file, json.dumps({"nats": ports.nats, "websocket": ports.websocket}), 0o600)
    batch.write()


def _is_free(port: int) -> bool:
    try:
        with _bound(port):
            return True
    except OSError:
        return False


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound
