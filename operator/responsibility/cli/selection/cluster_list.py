"""A list of clusters, for what is asked of several: each by its context, or as files.

```
- name: west
  context: arn:aws:eks:us-west-2:123456789012:cluster/west
- name: east
  kubeconfig: east.kubeconfig
- name: lab
  files: [clusters/lab]
```

Paths are relative to the list. It is a person's own, as a kubeconfig is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from responsibility.cli.sources.options import Where
from responsibility.cli.terminal.errors import CliError

# A name is the name of a folder as well, and a part of addresses.
_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
# What stands beside those folders.
_TAKEN: Final = frozenset({"index.html"})
_TEXTS: Final = ("name", "context", "kubeconfig")
_KNOWN: Final = (*_TEXTS, "files")


@dataclass(frozen=True, slots=True)
class NamedCluster:
    """One cluster: its name, and where to look."""

    name: str
    where: Where


def clusters_of_options(
    base: Where, listed: Path | None, contexts: str | None, *, taken: bool
) -> list[NamedCluster]:
    """Return the clusters that ``--clusters`` or ``--contexts`` name; says what can't go together.

    ``taken`` says whether something else was named that is of one cluster.
    """
    if listed is not None and contexts is not None:
        raise click.UsageError("--clusters and --contexts both say which: take one of them")
    if taken or base.files or base.context or base.cluster:
        raise click.UsageError(
            "--clusters and --contexts are about all hubs of those clusters: leave out HUB, -f, "
            "--context and --cluster"
        )
    return read(listed, base) if listed is not None else of_contexts(contexts or "", base)


def read(path: Path, base: Where) -> list[NamedCluster]:
    """Return the clusters of a list; all else is as in ``base``. Raises CliError."""
    import yaml

    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CliError(f"--clusters {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CliError(f"--clusters {path}: this is no YAML: {_line(error)}") from None
    if not isinstance(entries, list) or not entries:
        raise CliError(f"--clusters {path}: write a list, each with name, and context or files")
    found: dict[str, NamedCluster] = {}
    for number, entry in enumerate(entries, start=1):
        cluster = _cluster(entry, f"--clusters {path}, entry {number}", path.parent, base)
        # Not all file systems tell them apart.
        if cluster.name.lower() in found:
            raise CliError(f"--clusters {path}, entry {number}: {cluster.name} is named twice")
        found[cluster.name.lower()] = cluster
    return list(found.values())


def of_contexts(contexts: str, base: Where) -> list[NamedCluster]:
    """Return the clusters of contexts, with commas between. Raises CliError."""
    found: dict[str, NamedCluster] = {}
    for context in filter(None, map(str.strip, contexts.split(","))):
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", context).strip("-_.")[-63:].strip("-_.")
        if not name or name.lower() in {*found, *_TAKEN}:
            raise CliError(
                f"--contexts {context}: its folder would have no name of its own; name it in a "
                "list: --clusters FILE"
            )
        found[name.lower()] = NamedCluster(name, replace(base, context=context))
    if not found:
        raise CliError("--contexts: name contexts of the kubeconfig, with commas between")
    return list(found.values())


def _cluster(entry: object, at: str, folder: Path, base: Where) -> NamedCluster:
    if not isinstance(entry, Mapping):
        raise CliError(f"{at}: write name, and context, kubeconfig or files")
    if unknown := [str(key) for key in entry if key not in _KNOWN]:
        raise CliError(f"{at}: unknown: {', '.join(unknown)}; known are {', '.join(_KNOWN)}")
    texts: dict[str, Any] = {key: entry[key] for key in _TEXTS if key in entry}
    for key, text in texts.items():
        if not isinstance(text, str) or not text:
            raise CliError(f"{at}: {key} is no text")
    name = texts.get("name", "")
    if not _NAME.fullmatch(name) or name.lower() in _TAKEN:
        raise CliError(
            f"{at}: name is {name!r}: a folder is called so, so write letters, digits, -, _ and ."
        )
    files = entry.get("files")
    if files is None:
        config = texts.get("kubeconfig")
        if config is None and "context" not in texts:
            raise CliError(f"{at}: write context, kubeconfig or files")
        kubeconfig = folder / Path(config).expanduser() if config else base.kubeconfig
        where = replace(base, context=texts.get("context"), kubeconfig=kubeconfig)
        return NamedCluster(name, where)
    if "context" in texts or "kubeconfig" in texts:
        raise CliError(f"{at}: files are read instead of a cluster: leave out context, kubeconfig")
    if not isinstance(files, list) or not files or not all(isinstance(f, str) and f for f in files):
        raise CliError(f"{at}: files is no list of paths")
    return NamedCluster(name, replace(base, files=tuple(str(folder / f) for f in files)))


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark is not None else "it can't be read"
