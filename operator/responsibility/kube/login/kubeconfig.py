"""Kubeconfigs, merged and resolved as kubectl does it, for every client of ours.

The loader of ``kubernetes.aio`` (37.0.2) takes the *last* file's current context, so that a command
could speak to another cluster than kubectl; and it ignores ``as`` and the namespace. So files are
read here, and loaders get what has been decided. A test holds this against ``kubectl config view``.
Reading this needs no Kubernetes client, which takes long to import.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from responsibility.kube.login.impersonation import NOBODY_ELSE, Impersonation

_CLUSTER_FILES = ("certificate-authority",)
_USER_FILES = ("client-certificate", "client-key", "tokenFile")
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

    def resolved(self, files: Iterable[str]) -> dict[str, Any]:
        """Return the fields, those that name a file with its whole path."""
        found = dict(self.fields)
        for key in files:
            if isinstance(found.get(key), str) and found[key]:
                found[key] = str(self.folder / found[key])
        return found


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The parts that the context in use names; None is what isn't there."""

    files: str
    name: str
    context: Mapping[str, Any]
    cluster: Entry | None
    user: Entry | None

    @classmethod
    def read(
        cls, kubeconfig: Path | None, context: str | None, cluster: str = "", user: str = ""
    ) -> Kubeconfig:
        """Read one file, or those of ``$KUBECONFIG``, of which the first to say something wins.

        ``cluster`` and ``user`` name other entries than the context does. What can't be read says
        nothing here; ``read_strictly`` tells.
        """
        return cls._of(_paths(kubeconfig), context, cluster, user, _read)

    @classmethod
    def read_strictly(
        cls, kubeconfig: Path | None, context: str | None, cluster: str = "", user: str = ""
    ) -> Kubeconfig:
        """Return the same. Raises ConfigurationError: there is nothing usable."""
        paths = _paths(kubeconfig)
        named = os.pathsep.join(paths)
        if not any(Path(path).expanduser().is_file() for path in paths):
            raise ConfigurationError(
                f"there is no kubeconfig at {named}: name one with --kubeconfig or $KUBECONFIG"
            )
        found = cls._of(paths, context, cluster, user, _read_strictly)
        if not found.name and not cluster:
            raise ConfigurationError(
                f"the kubeconfig {named} has no current-context: name a context with --context"
            )
        if found.cluster is None:
            what = "cluster" if found.context or cluster else "context"
            missing = cluster or (found.context.get("cluster") if found.context else found.name)
            raise ConfigurationError(f"there is no {what} {missing} in the kubeconfig {named}")
        if found.user is None and (wanted := user or found.context.get("user")):
            raise ConfigurationError(f"there is no user {wanted} in the kubeconfig {named}")
        return found

    @classmethod
    def _of(
        cls,
        paths: list[str],
        context: str | None,
        cluster_name: str,
        user_name: str,
        read: Callable[[str], Mapping[str, Any]],
    ) -> Kubeconfig:
        wanted = context
        known: dict[tuple[str, str], Entry] = {}
        for path in paths:
            config = read(path)
            wanted = wanted or config.get("current-context")
            folder = Path(path).expanduser().absolute().parent
            for kind in ("context", "cluster", "user"):
                for raw in config.get(f"{kind}s") or ():
                    if isinstance(raw, dict) and isinstance(raw.get(kind), dict):
                        name = str(raw.get("name"))
                        known.setdefault((kind, name), Entry(name, raw[kind], folder))
        found = known.get(("context", wanted or ""))
        fields = found.fields if found else {}
        cluster, user = (
            known.get((kind, named or str(fields.get(kind))))
            for kind, named in (("cluster", cluster_name), ("user", user_name))
        )
        return cls(os.pathsep.join(paths), str(wanted or ""), fields, cluster, user)

    def as_loaded(self) -> dict[str, Any]:
        """Return it as one kubeconfig without anything that depends on where a file lies."""
        context = {"cluster": "cluster", "user": "user"}
        cluster = self.cluster.resolved(_CLUSTER_FILES) if self.cluster else {}
        user = self.user.resolved(_USER_FILES) if self.user else {}
        if user.get("tokenFile"):
            # The file wins, as with kubectl.
            user.pop("token", None)
        return {
            "current-context": self.name,
            "contexts": [{"name": self.name, "context": context}],
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "user", "user": user}],
        }

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


def names(kubeconfig: Path | None, kind: str) -> list[str]:
    """Return the names of all entries of a kind: context, cluster or user."""
    return [
        str(raw.get("name"))
        for path in _paths(kubeconfig)
        for raw in _read(path).get(f"{kind}s") or ()
        if isinstance(raw, dict)
    ]


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


def _paths(kubeconfig: Path | None) -> list[str]:
    """Return the files to read: the one named, else those of the environment, else the usual."""
    if kubeconfig is not None:
        return [str(kubeconfig)]
    named = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    return named or [str(Path.home() / ".kube" / "config")]


def _read(file: str) -> Mapping[str, Any]:
    try:
        return _read_strictly(file)
    except ConfigurationError:
        return {}


def _read_strictly(file: str) -> Mapping[str, Any]:
    """Return what a file says; one that isn't there says nothing. Raises ConfigurationError."""
    loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
        config = yaml.load(text, loader)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        # Not with its words: a parser quotes the line it fell over, and a token may stand there.
        raise _unusable(file, type(error).__name__) from None
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise _unusable(file, "no mapping")
    for kind in ("contexts", "clusters", "users"):
        if not isinstance(config.get(kind) or [], list):
            raise _unusable(file, f"{kind} is no list")
    return config


def _unusable(file: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{file} is not a usable kubeconfig ({why}); see whether `kubectl config view` can read it"
    )
