"""The spec's `targets`, resolved."""

from __future__ import annotations

import posixpath

from natsbackend.model.targets import Target, TargetTls
from natsbackend.spec.load import Spec
from natsbackend.spec.target_models import TargetSpec


def targets(spec: Spec) -> dict[str, Target]:
    """Return the targets of a spec by name."""
    return {name: _target(spec, name, model) for name, model in spec.model.targets.items()}


def _target(spec: Spec, name: str, model: TargetSpec) -> Target:
    def path(word: str, value: str | None) -> str | None:
        if value is None:
            return None
        return posixpath.join(posixpath.dirname(spec.at("targets", name, *word.split(".")).file), value)

    is_held = any(way is not None for way in (model.http, model.directory, model.config))
    return Target(
        name=name,
        urls=tuple(model.nats),
        servers=1 if is_held else model.servers,
        creds=path("creds", model.creds),
        context=model.context,
        tls=None
        if model.tls is None
        else TargetTls(
            ca_file=path("tls.ca_file", model.tls.ca_file),
            cert_file=path("tls.cert_file", model.tls.cert_file),
            key_file=path("tls.key_file", model.tls.key_file),
        ),
        http=model.http,
        directory=path("directory", model.directory),
        config=path("config", model.config),
        pid_file=path("pid_file", model.pid_file),
        at=spec.key_at("targets", name),
        places=tuple(spec.at("targets", name, "nats", i) for i in range(len(model.nats))),
        words={word: spec.key_at("targets", name, word) for word in sorted(model.model_fields_set)},
    )
