"""``diff``: what would change if manifests were applied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    at_option,
    instant,
    output_option,
    routes_option,
    where_options,
)
from responsibility.cli.terminal.output import Table, columns, show
from responsibility.phrases import counted


@click.command(name="diff")
@click.option(
    "--base",
    multiple=True,
    type=click.Path(),
    metavar="PATH",
    help="Take what is there now from these manifests, instead of from the cluster.",
)
@at_option
@routes_option
@output_option()
@where_options
def command(
    *, where: Where, base: tuple[str, ...], moment: str | None, routes: bool, output: str
) -> None:
    r"""Show what would change if the manifests of -f were applied, most of all records.

    Who would own what, who has to agree to that (both parties, where an item goes from one to
    another), who would be entitled to more or less, and which findings would appear or go. Roles
    and bindings among the manifests count as well. Nothing is applied.

    \b
    Examples:
      kubectl responsibility diff -f records/leap-prod.yaml
      kubectl responsibility diff -f ./manifests --routes -o wide
      kubectl responsibility diff --base ./manifests -f records/leap-prod.yaml -o json
    """
    from responsibility.ownership.results import wording

    if not where.files:
        raise click.UsageError("say what would be applied: -f PATH")
    from responsibility.cli.answers import changes
    from responsibility.cli.answers.report import Report, place_text, whom

    now = instant(moment)
    old = Report.of(replace(where, files=base).load(ALL), now, routes=routes)
    new = Report.of(changes.applied(old.view, where), now, routes=routes)
    new.tell_gaps()
    owners = changes.owners(old, new)
    agree = changes.to_agree(old, new)
    entitled = changes.entitlements(old, new)
    difference = changes.findings(old, new)
    data: dict[str, Any] = {
        "owners": owners,
        "agree": agree,
        "entitlements": entitled,
        "appear": [new.json(finding) for finding in difference.appear],
        "go": [old.json(finding) for finding in difference.go],
    }
    rows = [
        [
            *(sign, finding.id, finding.kind, place_text(finding), finding.item, whom(finding)),
            *((finding.route_kind,) if routes else ()),
            text,
        ]
        for sign, part in (("+", difference.appear), ("-", difference.go))
        for finding in part
        for text in (wording.message(finding),)
    ]
    show(
        output,
        data,
        Table(
            columns("HUB", "ITEM", "BEFORE", "AFTER"),
            [[o["record"], o["item"], o["before"] or "-", o["after"] or "-"] for o in owners],
            title="owners and delegates:",
            empty="nobody's ownership would change",
        ),
        Table(
            columns("HUB", "ITEM", "PARTY", "WHY", "CONTACT"),
            [
                [a["record"], a["item"], a["displayName"], a["why"], a["contact"] or "-"]
                for a in agree
            ],
            title="have to agree:",
            empty="nobody: no record would change",
        ),
        Table(
            columns("HUB", "SUBJECT", "GAINS", "LOSES"),
            [[e["record"], e["subject"], _many(e["gains"]), _many(e["loses"])] for e in entitled],
            title="entitled to (what RBAC grants is not changed by a record):",
            empty="nobody would be entitled to more or less",
        ),
        Table(
            columns(
                *("", "ID", "KIND", "HUB", "ITEM", "WHO", *(("ROUTE",) if routes else ())),
                wide=("MESSAGE",),
            ),
            rows,
            names=[f.id for part in (difference.appear, difference.go) for f in part],
            title="findings:",
            empty="none would appear or go",
            footer=f"{counted(len(difference.appear), 'finding')} would appear, "
            f"{len(difference.go)} would go",
        ),
    )


def _many(permissions: list[str]) -> str:
    return counted(len(permissions), "permission") if permissions else "-"
