"""What of a kubeconfig kubectl heeds and the client doesn't tell: the namespace, and ``as``.

Reading this needs no Kubernetes client, which takes long to import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from responsibility.kube.impersonation import NOBODY_ELSE, Impersonation

_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ConfigurationError(Exception):
    """No usable way to reach a cluster; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Current:
    """The context in use: its namespace, and as whom its user acts."""

    namespace: str = "default"
    acting_as: Impersonation = NOBODY_ELSE


def in_pod(kubeconfig: Path | None, context: str | None) -> bool:
    """Whether the pod's own ServiceAccount is used: nobody has named other credentials."""
    named = kubeconfig or context or os.environ.get("KUBECONFIG")
    return not named and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def own_namespace() -> str | None:
    """Return the namespace of the pod this runs in; None outside of a cluster."""
    try:
        return _NAMESPACE.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Entry:
    """A cluster's or a user's part of a kubeconfig; its paths are relative to ``folder``."""

    name: str
    fields: Mapping[str, Any]
    folder: Path


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """What the context in use names; None is what isn't there."""

    files: str
    context: Mapping[str, Any]
    cluster: Entry | None
    user: Entry | None

    @classmethod
    def read(cls, kubeconfig: Path | None, context: str | None) -> Kubeconfig:
        """Read one file, or several, which are merged as kubectl does: first come first.

        What can't be read says nothing here: loading the credentials will tell.
        """
        default = str(Path.home() / ".kube" / "config")
        files = str(kubeconfig or os.environ.get("KUBECONFIG") or default)
        wanted = context
        known: dict[tuple[str, str], Entry] = {}
        for file in files.split(os.pathsep):
            config = _read(file)
            wanted = wanted or config.get("current-context")
            for kind in ("context", "cluster", "user"):
                for raw in config.get(f"{kind}s") or ():
                    if isinstance(raw, dict) and isinstance(raw.get(kind), dict):
                        name = str(raw.get("name"))
                        entry = Entry(name, raw[kind], Path(file).expanduser().parent)
                        known.setdefault((kind, name), entry)
        found = known.get(("context", wanted or ""))
        fields = found.fields if found else {}
        cluster, user = (known.get((kind, str(fields.get(kind)))) for kind in ("cluster", "user"))
        return cls(files, fields, cluster, user)

    def acting_as(self) -> Impersonation:
        """Return whom it says to act as. Raises ConfigurationError."""
        if self.user is None:
            return NOBODY_ELSE
        return _impersonation(self.user.fields, f"{self.files}, user {self.user.name}")


def current(kubeconfig: Path | None, context: str | None) -> Current:
    """Return what the context says.

    Raises ConfigurationError for an impersonation that can't be followed.
    """
    if in_pod(kubeconfig, context):
        return Current(own_namespace() or "default")
    found = Kubeconfig.read(kubeconfig, context)
    return Current(found.context.get("namespace") or "default", found.acting_as())


def _impersonation(user: Mapping[str, Any], where: str) -> Impersonation:
    name, uid = user.get("as") or "", user.get("as-uid") or ""
    groups, extra = user.get("as-groups") or (), user.get("as-user-extra") or {}
    wrong = [
        key
        for key, fits in (
            ("as", isinstance(name, str)),
            ("as-uid", isinstance(uid, str)),
            ("as-groups", _texts(groups)),
            ("as-user-extra", isinstance(extra, dict) and all(map(_texts, extra.values()))),
        )
        if not fits
    ]
    if wrong:
        raise ConfigurationError(f"{where}: {wrong[0]} is not of the form that kubectl expects")
    found = Impersonation(
        name, tuple(groups), uid, tuple((str(key), tuple(extra[key])) for key in extra)
    )
    if problem := found.problem():
        raise ConfigurationError(f"{where}: {problem}")
    return found


def _texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _read(file: str) -> dict[str, Any]:
    loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
        config = yaml.load(text, loader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return config if isinstance(config, dict) else {}
