"""Completions: the names that an argument or option can have, as a shell offers them.

Hubs, items, parties and ids of findings are those of the records, models and statuses of the
cluster that the line speaks of so far, or of its files; contexts are the kubeconfig's. Whatever
goes wrong, nothing is offered: nobody wants an error in the middle of a line. Names that a shell
could take for more than a word are left out, since others may have chosen them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

from responsibility.api.names import API_VERSION, MODELS, RECORDS

if TYPE_CHECKING:
    from responsibility.cli.sources.options import Where
    from responsibility.kube.protocol import Client

Json = Mapping[str, Any]

# Seconds. Whoever presses a key looks at a line that stands still.
_PATIENCE: Final = 3.0
_WORD: Final = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@:/+-]*")


@dataclass(frozen=True, slots=True)
class _Known:
    """The records and models there are, and how to reach the cluster; raw, as they may be odd."""

    where: Where
    records: tuple[Json, ...]
    models: tuple[Json, ...]


def _hubs(known: _Known) -> Iterator[str]:
    return (str(record["metadata"]["name"]) for record in known.records)


def _items(known: _Known) -> Iterator[str]:
    yield "record"
    for model in known.models:
        yield from (str(item["name"]) for item in model["spec"].get("items") or ())


def _parties(known: _Known) -> Iterator[str]:
    for each in (*known.models, *known.records):
        yield from (str(party["name"]) for party in each["spec"].get("parties") or ())


def _ids(known: _Known) -> Iterator[str]:
    if known.where.files:
        yield from _found(known.where)
    for each in (*known.models, *known.records):
        for cause in (each.get("status") or {}).get("causes") or ():
            yield from str(cause.get("ids") or cause["id"]).split()


def _found(where: Where) -> Iterator[str]:
    """Yield the ids of what is found in files, which nobody has published."""
    from responsibility.cli.answers.report import Report
    from responsibility.cli.sources.cluster_view import ALL
    from responsibility.cli.sources.options import instant

    report = Report.of(where.load(ALL), instant(None))
    yield from (finding.id for finding in report.findings())


def _namespaces(known: _Known) -> Iterator[str]:
    yield from (str(record["spec"]["hub"]["namespace"]) for record in known.records)
    if known.where.live:
        for each in known.where.run(lambda api: _listed(api, "/api/v1/namespaces")):
            yield str(each["metadata"]["name"])


def _entries(kind: str) -> Callable[[Where], Iterable[str]]:
    def names(where: Where) -> Iterable[str]:
        from responsibility.kube.login import kubeconfig

        return kubeconfig.names(where.kubeconfig, kind)

    return names


def _kinds(_where: Where) -> Iterable[str]:
    from responsibility.ownership.results.findings import KINDS

    return KINDS


def _severities(_where: Where) -> Iterable[str]:
    from responsibility.ownership.results.severity import Severity

    return [severity.name.lower() for severity in Severity]


# By the name of an argument, or the first long spelling of an option: what it can be.
_OF_CLUSTER: Final[Mapping[str, Callable[[_Known], Iterable[str]]]] = {
    "hub": _hubs,
    "hubs": _hubs,
    "finding": _ids,
    "--finding": _ids,
    "--item": _items,
    "--party": _parties,
    "--to": _parties,
    "--namespace": _namespaces,
}
_OF_KUBECONFIG: Final[Mapping[str, Callable[[Where], Iterable[str]]]] = {
    "--context": _entries("context"),
    "--cluster": _entries("cluster"),
    "--user": _entries("user"),
    "--kind": _kinds,
    "--severity": _severities,
}


class _Named(click.types.StringParamType):
    """A text that is one of the names there are, if the shell asks."""

    def __init__(self, names: Callable[[Where], Iterable[str]]) -> None:
        self._names = names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so; with commas, of the last."""
        del param
        done, comma, begun = incomplete.rpartition(",")
        try:
            found = sorted(set(self._names(_where(ctx))))
        except Exception:  # noqa: BLE001 - there is nobody to tell
            return []
        return [
            CompletionItem(f"{done}{comma}{name}")
            for name in found
            if name.startswith(begun) and _WORD.fullmatch(name)
        ]


def complete_names(command: click.Command) -> None:
    """Have a command's arguments and options completed, those whose names the tables have."""
    for param in command.params:
        name = param.name or ""
        if isinstance(param, click.Option):
            name = next((text for text in param.opts if text.startswith("--")), "")
            if param.is_flag:
                continue
        if param.type is not click.STRING:
            continue
        if name in _OF_CLUSTER:
            param.type = _Named(lambda where, names=_OF_CLUSTER[name]: names(_known(where)))  # type: ignore[misc]  # a default argument
        elif name in _OF_KUBECONFIG:
            param.type = _Named(_OF_KUBECONFIG[name])


def _where(context: click.Context) -> Where:
    """Return where the line says to look, as far as it is written."""
    from pathlib import Path

    from responsibility.cli.sources.options import Verbosity, Where
    from responsibility.kube.request_options import RequestOptions

    said = context.params
    kubeconfig = said.get("kubeconfig")
    return replace(
        Where(),
        files=tuple(said.get("files") or ()),
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        context=said.get("context"),
        cluster=said.get("kubeconfig_cluster") or "",
        user=said.get("user_entry") or "",
        told=Verbosity.NOTHING,
        requests=RequestOptions(_PATIENCE),
    )


def _known(where: Where) -> _Known:
    if where.files:
        from responsibility.cli.sources.manifests import read

        raw = [each.raw for each in read(list(where.files))]
        records: list[Json] = [each for each in raw if each.get("kind") == "Responsibility"]
        models: list[Json] = [each for each in raw if each.get("kind") == "ResponsibilityModel"]
        if not any("items" in (each.get("spec") or {}) for each in models):
            from responsibility.api.parse import load_shipped_manifest

            # As commands do: what files don't have is the shipped one.
            models.append(load_shipped_manifest())
        return _Known(where, tuple(records), tuple(models))

    async def lists(api: Client) -> tuple[list[Json], list[Json]]:
        ours = f"/apis/{API_VERSION}"
        return await _listed(api, f"{ours}/{RECORDS}"), await _listed(api, f"{ours}/{MODELS}")

    records, models = where.run(lists)
    return _Known(where, tuple(records), tuple(models))


async def _listed(api: Client, path: str) -> list[Json]:
    from responsibility.kube.errors import ApiError

    found: list[Json] = []
    try:
        async for page in api.pages(path):
            found += page.get("items") or ()
    except ApiError:
        # What may not be listed is not offered; the rest is.
        return found
    return found
