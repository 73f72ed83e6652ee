"""``model diff``: what a newer chart ships otherwise than the organisation's own model has it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from responsibility.api.names import API_VERSION, MODELS, SHIPPED_MODEL_ANNOTATION
from responsibility.cli.sources.options import Where, note, output_option, where_options
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import Table, clean, columns, show
from responsibility.phrases import counted
from responsibility.shell import arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from responsibility.api.model import ResponsibilityModel
    from responsibility.api.models.changes import ModelChange
    from responsibility.api.models.versions import ShippedModel
    from responsibility.kube.protocol import Client

_KIND: Final = "ResponsibilityModel"
# Characters of a value in a table; `-o wide` and JSON have all of it.
_MOST = 48


@click.command(name="model")
@click.argument("what", metavar="diff", type=click.Choice(["diff"]))
@click.argument("name", metavar="[MODEL]", required=False)
@click.option(
    "--then",
    metavar="FILE",
    help="The model as it was shipped when yours was made from it. Default: the one that yours "
    "names in its annotation.",
)
@click.option(
    "--now",
    metavar="FILE",
    help="The model as the new chart ships it (files/model.yaml). Default: that of this version.",
)
@output_option()
@where_options
def command(
    *, where: Where, what: str, name: str | None, then: str | None, now: str | None, output: str
) -> int:
    r"""Show where the shipped model and yours say something else by now, and who changed it.

    Three are compared: the model as it was shipped when yours was made from it, as it is shipped
    now, and yours, on the cluster or in the files of -f. What the chart changed (shipped) waits to
    be taken over; what you changed (yours) stays; where both did (both), it is for you to decide.
    Exit code 1 if there is anything to take over or to decide, else 0; 2 for an error.

    \b
    Examples:
      kubectl responsibility model diff
      kubectl responsibility model diff -o yaml
      kubectl responsibility model diff --now helm/hub-responsibility/files/model.yaml
      kubectl responsibility model diff -f our-model.yaml --then old.yaml
    """
    from responsibility.api.models.changes import model_changes
    from responsibility.api.models.versions import current_shipped_model, find_shipped_model
    from responsibility.api.parse import parse_model

    assert what  # noqa: S101 - there is one
    yours, annotation = _in_files(where, name) if where.files else _live(where, name)
    new = current_shipped_model()
    shipped_now = _one(now) if now else parse_model(new.manifest(), strict=True)
    old = None if then else find_shipped_model(annotation)
    shipped_then = _one(then) if then else parse_model(old.manifest()) if old else None
    found = model_changes(shipped_then, shipped_now, yours)
    if found and shipped_then is None:
        note(_unknown(yours.name, annotation))
    news = [change for change in found if change.by.is_news]
    versions = {
        "then": then or _version(old) or None,
        "now": now or _version(new),
        "yours": annotation or None,
    }
    data = {"model": yours.name, **versions, "changes": [change.json() for change in found]}
    show(output, data, _table(found, versions, wide=output == "wide"))
    if news and not now and new.version:
        _tell_next(where, yours.name, new)
    return Exit.NO if news else Exit.OK


def _table(found: list[ModelChange], versions: Mapping[str, str | None], *, wide: bool) -> Table:
    counts = Counter(change.by.value for change in found)
    sides = f"shipped then: {versions['then'] or 'not known'}; shipped now: {versions['now']}"
    said = ", ".join(f"{number} {by}" for by, number in counts.items())
    return Table(
        columns("CHANGED BY", "WHERE", "SHIPPED THEN", "SHIPPED NOW", "YOURS"),
        [
            [c.by.value, c.path, *(_cell(v, wide=wide) for v in (c.then, c.now, c.yours))]
            for c in found
        ],
        names=[change.path for change in found],
        empty="yours is the shipped model",
        footer=clean(
            f"{sides}; {counted(len(found), 'difference')}" + (f": {said}" if said else "")
        ),
    )


def _cell(value: object, *, wide: bool) -> str:
    from responsibility.api.models.changes import MISSING

    if value is MISSING:
        return "-"
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    return value if wide or len(value) <= _MOST else f"{value[: _MOST - 1]}…"


def _version(model: ShippedModel | None) -> str:
    if model is None:
        return ""
    return model.version or f"sha256:{model.digest}"


def _unknown(name: str, annotation: str) -> str:
    why = (
        f"it says {clean(annotation)}, which this version doesn't know"
        if annotation
        else f"it has no annotation {SHIPPED_MODEL_ANNOTATION}"
    )
    return (
        f"from which shipped model {clean(name)} was made is not known: {why}. So nobody can say "
        "who changed what: name that model with --then FILE, such as helm/hub-responsibility/files/"
        "model.yaml of the chart that you had"
    )


def _tell_next(where: Where, name: str, new: ShippedModel) -> None:
    if where.live:
        mark = f"{SHIPPED_MODEL_ANNOTATION}={new.reference}"
        context = f"--context={arguments([where.context])}" if where.context else ""
        words = arguments([name, mark], ("--overwrite", context))
        how = f"say so: kubectl annotate responsibilitymodel {words}"
    else:
        how = f"say so in its metadata.annotations: {SHIPPED_MODEL_ANNOTATION}: {new.reference}"
    note(f"once yours has what you want of it, {how}")


def _one(path: str) -> ResponsibilityModel:
    """Return the only model of a file, read leniently: older ones may have what is gone."""
    from responsibility.api.parse import RecordError, parse_model
    from responsibility.cli.sources.manifests import read

    found = [each for each in read([path]) if each.raw.get("kind") == _KIND]
    if len(found) != 1:
        raise CliError(f"{path} has {counted(len(found), _KIND)}: give the file of one")
    try:
        return parse_model(found[0].raw)
    except RecordError as error:
        raise CliError(f"{path}: {error}") from None


def _in_files(where: Where, name: str | None) -> tuple[ResponsibilityModel, str]:
    """Return the model of the files, additions to it included, and its annotation."""
    from responsibility.cli.sources.agreements import add_agreements
    from responsibility.cli.sources.cluster_view import ClusterView
    from responsibility.cli.sources.manifests import read

    files = ", ".join(where.files)
    found = [each for each in read(where.files) if each.raw.get("kind") == _KIND]
    names = sorted({each.raw["metadata"]["name"] for each in found})
    if name is not None and name not in names:
        raise CliError(f"{files}: there is no {_KIND} {name} in it")
    if name is None and len(names) != 1:
        told = (
            f"these are several, {', '.join(names)}: name one" if names else f"there is no {_KIND}"
        )
        raise CliError(f"{files}: {told}")
    name = name or names[0]
    parts = [each for each in found if each.raw["metadata"]["name"] == name]
    view = ClusterView(live=False)
    add_agreements(view, parts, (), note)
    said = [_annotation(each.raw) for each in parts]
    return view.models[name], next(filter(None, said), "")


def _live(where: Where, name: str | None) -> tuple[ResponsibilityModel, str]:
    from responsibility.api.parse import RecordError, parse_model
    from responsibility.api.record import DEFAULT_MODEL
    from responsibility.kube.errors import NotFoundError

    name = name or DEFAULT_MODEL
    path = f"/apis/{API_VERSION}/{MODELS}/{quote(name, safe='')}"

    async def asked(api: Client) -> dict[str, Any] | None:
        try:
            return await api.get(path)
        except NotFoundError:
            return None

    raw = where.run(asked)
    if raw is None:
        raise CliError(
            f"there is no {_KIND} {name} on this cluster: name another, or give a file with -f"
        )
    try:
        return parse_model(raw), _annotation(raw)
    except RecordError as error:
        raise CliError(str(error)) from None


def _annotation(raw: Mapping[str, Any]) -> str:
    return str((raw["metadata"].get("annotations") or {}).get(SHIPPED_MODEL_ANNOTATION) or "")
