"""``leftovers``: what is ours in a cluster and nobody expects; and its end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from responsibility.api.names import MODELS, RECORDS
from responsibility.cli.sources.cluster_view import Need
from responsibility.cli.sources.options import (
    Where,
    instant,
    note,
    output_option,
    warn,
    where_options,
)
from responsibility.cli.terminal.confirmation import confirm
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import Table, clean, columns, say, show
from responsibility.phrases import counted

if TYPE_CHECKING:
    from responsibility.cli.sources.cluster_view import ClusterView
    from responsibility.cluster.end_leftovers import LeftoverEnd
    from responsibility.cluster.leftovers import Leftover
    from responsibility.kube.client import Api

_UNDO_FILE = "undo-leftovers.json"
# What has to be listed, or nothing could be said to be left.
_NEEDED = frozenset(
    {
        "namespaces",
        "deployments",
        "rolebindings",
        "clusterrolebindings",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
        RECORDS,
        MODELS,
    }
)


@click.command(name="leftovers")
@click.option("--end", is_flag=True, help="End them, with your own rights.")
@click.option("--dry-run", is_flag=True, help="With --end: have the server check it, end nothing.")
@click.option("--yes", is_flag=True, help="With --end: don't ask before the first change.")
@click.option(
    "--undo-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"With --end: where to write what was there (default: {_UNDO_FILE} in this folder).",
)
@output_option()
@where_options
def command(
    *,
    where: Where,
    end: bool,
    dry_run: bool,
    yes: bool,
    undo_file: Path | None,
    output: str,
) -> Exit:
    r"""List what is ours in the cluster and nobody expects, and whether it is in force.

    What is there is looked up: policies and their bindings, webhooks, labels and annotations of
    Namespaces, grants, annotations of Deployments. It is held against what records ask for, and
    against what the operator is installed to do; no operator has to run. An upgrade or a rollback
    that was interrupted, or an operator that was removed first, leaves such things, and some of
    them go on refusing or granting.

    With --end all of it is ended: policies, webhooks and grants are deleted, from Namespaces and
    Deployments the keys that were listed are removed. Each only if it still is the very object
    that was listed. What was there is written to a file before that, from which kubectl puts it
    back. While policies guard Namespaces, only break-glass may remove what they say.

    The exit code is 1 where anything is left.

    \b
    Examples:
      kubectl responsibility leftovers
      kubectl responsibility leftovers -o wide
      kubectl responsibility leftovers --end
      kubectl responsibility leftovers -f manifests/
    """
    if where.files and end:
        raise click.UsageError("--end changes a cluster, so -f has no use with it")
    if not end and (dry_run or yes or undo_file):
        raise click.UsageError("--dry-run, --yes and --undo-file belong to --end")
    found = _found(where)
    if not end:
        show(output, [_json(each) for each in found], _table(found))
        return Exit.NO if found else Exit.OK
    return _end(where, found, undo_file or Path(_UNDO_FILE), dry_run=dry_run, yes=yes)


def _found(where: Where) -> tuple[Leftover, ...]:
    """Look for all of them. Raises CliError where not everything may be listed."""
    from responsibility.cluster.leftovers import Traces, leftovers
    from responsibility.cluster.switches import together

    view = where.load(Need.OWNERSHIP | Need.TRACES, complete=False)
    if denied := sorted(_NEEDED & set(view.denied)):
        raise CliError(
            f"you may not list {', '.join(denied)} on this cluster, without which it can't be "
            "said what is left: ask for the right to list them"
        )
    for each in view.left_out:
        warn(f"not looked at, since it can't be read: {each}")
    if not view.operators:
        place = "these files" if where.files else "this cluster"
        note(f"there is no Deployment of the operator in {place}: nothing of it is expected")
    traces = view.traces or Traces()
    return leftovers(
        traces,
        together(view.operators),
        view.assess(instant(None)),
        kept=_kept(view, traces.namespaces),
    )


def _kept(view: ClusterView, namespaces: Any) -> frozenset[str]:  # noqa: ANN401 - only names
    """Return the namespaces of records that can't be read or followed; all, if it isn't known."""
    if view.broken_records:
        names = ", ".join(sorted(view.broken_records))
        warn(f"can't be read, so it isn't known which Namespace is meant: record {names}")
        return frozenset(namespaces)
    from responsibility.ownership.claims import HUB_CLAIMED

    refused = view.assess(instant(None)).refused_records
    return frozenset(
        view.records[name].spec.hub.namespace
        for name, each in refused.items()
        if each.reason != HUB_CLAIMED and name in view.records
    )


def _json(leftover: Leftover) -> dict[str, Any]:
    return {
        "kind": leftover.kind.value,
        "object": leftover.object,
        "path": leftover.path,
        "what": leftover.what,
        "keys": list(leftover.keys),
        "inForce": leftover.in_force,
        "why": leftover.why,
    }


def _table(found: tuple[Leftover, ...]) -> Table:
    acting = sum(each.in_force for each in found)
    return Table(
        columns("KIND", "OBJECT", "IN FORCE", "WHAT", detail=("WHY",), wide=("KEYS",)),
        [
            [
                each.kind.value,
                each.object,
                "yes" if each.in_force else "no",
                each.what,
                each.why,
                ", ".join(each.keys) or "-",
            ]
            for each in found
        ],
        empty="nothing is left over",
        names=list(dict.fromkeys(each.object.split(" ")[0] for each in found)),
        footer=f"{counted(len(found), 'leftover')}, {acting} in force; --end ends them"
        if found
        else "",
    )


def _end(
    where: Where, found: tuple[Leftover, ...], path: Path, *, dry_run: bool, yes: bool
) -> Exit:
    endings = _prepared(where, found)
    if not endings:
        say("nothing is left over")
        return Exit.OK
    say(f"{counted(len(endings), 'leftover')} to end:")
    for ending in endings:
        say(f"  {clean(ending.outcome)}")
    if not dry_run:
        confirm(f"End {counted(len(endings), 'leftover')}?", yes=yes)
        _write(path, endings)
        say(f"what was there: {path}")
    _carry_out(where, endings, dry_run=dry_run)
    if dry_run:
        say("the server would take all of it; nothing was changed")
        return Exit.OK
    say(
        "all of it has ended; to put it back: kubectl apply --server-side "
        f"--field-manager=NAME -f {quote(str(path))}"
    )
    return Exit.OK


def _prepared(where: Where, found: tuple[Leftover, ...]) -> list[LeftoverEnd]:
    from responsibility.cli.sources import live
    from responsibility.cluster import end_leftovers

    async def work(api: Api) -> list[LeftoverEnd] | str:
        try:
            return await end_leftovers.prepare(api, found)
        except end_leftovers.EndStoppedError as stopped:
            return str(stopped)

    endings: list[LeftoverEnd] | str = live.change(where, work)
    if isinstance(endings, str):
        raise CliError(f"{clean(endings)}; nothing was changed")
    return endings


def _write(path: Path, endings: list[LeftoverEnd]) -> None:
    """Write what was there for its owner's eyes only, before the first change. Raises CliError."""
    from responsibility.cluster import end_leftovers

    text = json.dumps(end_leftovers.manifests(endings), indent=2, ensure_ascii=False) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise CliError(
            f"{path} is there already, and may be the only way back from an earlier time: name "
            "another with --undo-file"
        ) from None
    except OSError as error:
        raise CliError(f"{path} can't be written ({error}), so nothing was changed") from None


def _carry_out(where: Where, endings: list[LeftoverEnd], *, dry_run: bool) -> None:
    from responsibility.cli.sources import live
    from responsibility.cluster import end_leftovers

    async def work(api: Api) -> str:
        try:
            await end_leftovers.carry_out(
                api, endings, lambda text: say(f"  {clean(text)}"), dry_run=dry_run
            )
        except end_leftovers.EndStoppedError as stopped:
            return str(stopped)
        return ""

    if stopped := live.change(where, work):
        raise CliError(f"{clean(stopped)}. What was ended before that stays so; look again")
