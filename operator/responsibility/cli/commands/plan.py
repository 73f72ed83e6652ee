"""``plan``: the smallest set of changes after which excess rights have really ended."""

from __future__ import annotations

import click

from responsibility.cli.answers import subjects
from responsibility.cli.answers.plan_text import (
    PlanMaker,
    PlanRequest,
    aim_options,
    object_name,
    plan_json,
    tell,
)
from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    MOST_LINES,
    Where,
    at_option,
    full_option,
    instant,
    output_option,
    where_options_with_bare_cluster,
)
from responsibility.cli.terminal.output import is_data, show, show_names


@click.command(name="plan")
@click.argument("hub", required=False)
@aim_options
@at_option
@output_option()
@full_option
@where_options_with_bare_cluster
def command(
    *,
    where: Where,
    hub: str | None,
    everything: bool,
    cluster: bool,
    chosen: tuple[str, ...],
    findings: tuple[str, ...],
    routes: bool,
    moment: str | None,
    output: str,
    full: bool,
) -> None:
    r"""Plan the smallest set of changes after which excess rights have really ended.

    All sources of a right and all indirect routes to it are counted. A plan takes nobody what it
    is owed, leaves no item to nobody, and touches neither Kubernetes' own objects nor the
    operator's; what RBAC can't end is told with what to do instead. Nothing is changed: apply-plan
    does that, by the digest.

    \b
    Examples:
      kubectl responsibility plan leap-prod
      kubectl responsibility plan --all
      kubectl responsibility plan --cluster-wide -o wide
      kubectl responsibility plan --subject user/former-engineer@example.org
      kubectl responsibility plan --all -f ./manifests -o json
      kubectl responsibility plan leap-prod -o name
    """
    maker = PlanMaker.of(where.load(ALL), instant(moment), routes=routes)
    maker.report.tell_gaps()
    asked = PlanRequest(hub, everything, cluster, chosen, findings)
    subjects.tell_unnamed(maker.report, chosen)
    plan = maker.plan(asked.aim(maker.report))
    if is_data(output):
        show(output, plan_json(plan))
        return
    if output == "name":
        show_names(map(object_name, plan))
        return
    command_line = f"kubectl responsibility apply-plan {plan.digest} {asked.words(routes=routes)}"
    tell(
        plan,
        wide=output == "wide",
        apply_by=command_line if where.live else "",
        most=None if full else MOST_LINES,
    )
