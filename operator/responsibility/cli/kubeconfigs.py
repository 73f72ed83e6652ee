"""What of a kubeconfig kubectl heeds and the client doesn't tell: the namespace, and ``as``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Current:
    """The context in use: its namespace, and as whom its user acts (empty: as itself)."""

    namespace: str = "default"
    impersonates: str = ""


@lru_cache(maxsize=4)
def current(kubeconfig: Path | None, context: str | None) -> Current:
    """Return what the context says; several files are merged as kubectl does, first come first.

    What can't be read says nothing here: loading the credentials will tell.
    """
    default = str(Path.home() / ".kube" / "config")
    named = str(kubeconfig or os.environ.get("KUBECONFIG") or default)
    wanted = context
    contexts: dict[str, Any] = {}
    users: dict[str, Any] = {}
    for file in named.split(os.pathsep):
        config = _read(file)
        wanted = wanted or config.get("current-context")
        for known, key, inner in ((contexts, "contexts", "context"), (users, "users", "user")):
            for entry in config.get(key) or ():
                if isinstance(entry, dict) and isinstance(entry.get(inner), dict):
                    known.setdefault(str(entry.get("name")), entry[inner])
    found = contexts.get(wanted or "", {})
    user = users.get(str(found.get("user")), {})
    return Current(found.get("namespace") or "default", str(user.get("as") or ""))


def _read(file: str) -> dict[str, Any]:
    loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8")
        config = yaml.load(text, loader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return config if isinstance(config, dict) else {}
