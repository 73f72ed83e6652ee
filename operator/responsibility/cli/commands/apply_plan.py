"""``apply-plan``: make the changes of an approved plan, as the person at the terminal."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from responsibility.cli.sources.cluster_view import ALL
from responsibility.cli.sources.options import (
    Where,
    cluster_wide_option,
    instant,
    note,
    warn,
    where_options_with_bare_cluster,
)
from responsibility.cli.terminal.confirmation import confirm
from responsibility.cli.terminal.errors import CliError, Exit
from responsibility.cli.terminal.output import clean, say
from responsibility.phrases import counted

if TYPE_CHECKING:
    from responsibility.cli.answers.plan_text import PlanMaker, PlanRequest
    from responsibility.cluster.apply_plan import Progress
    from responsibility.cluster.undo import Journal
    from responsibility.kube.client import Api
    from responsibility.plans.aim import Aim
    from responsibility.plans.change import Plan
    from responsibility.plans.proof import Expectation

_SHORTEST_DIGEST = 12
_DIGEST = re.compile(rf"[0-9a-f]{{{_SHORTEST_DIGEST},}}")
# To `--cluster DIGEST`, which was said once and names an entry of the kubeconfig now.
_MEANT = "; for the cluster as a whole it is --cluster-wide DIGEST"
# Beyond so many, it is shown how many have been made.
_MANY_AIMS = 10
# Seconds until the server's authorizer must have seen a change; it takes milliseconds.
_SETTLED = 20.0
_PAUSE = 0.1
_MOST_TOLD = 5


@click.command(name="apply-plan")
@click.argument("digest", required=False)
@click.argument("hub", required=False)
@click.option("--all", "everything", is_flag=True, help="The plan is that of `plan --all`.")
@cluster_wide_option
@click.option(
    "--subject", "chosen", multiple=True, metavar="KIND/NAME", help="As it was given to `plan`."
)
@click.option("--finding", "findings", multiple=True, metavar="ID", help="As given to `plan`.")
@click.option("--routes/--no-routes", default=True, help="As it was given to `plan`.")
@click.option("--dry-run", is_flag=True, help="Have the server check each change, and make none.")
@click.option("--yes", is_flag=True, help="Don't ask before the first change.")
@click.option("--even-me", is_flag=True, help="Also apply a plan that takes rights from yourself.")
@click.option(
    "--undo-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write what takes all back (default: undo-DIGEST.json in the current folder).",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Instead: go on with a plan that was interrupted, by its undo file.",
)
@click.option(
    "--undo",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Instead: take back what was made of a plan, by its undo file.",
)
@where_options_with_bare_cluster
def command(
    *,
    where: Where,
    digest: str | None,
    hub: str | None,
    everything: bool,
    cluster: bool,
    chosen: tuple[str, ...],
    findings: tuple[str, ...],
    routes: bool,
    dry_run: bool,
    yes: bool,
    even_me: bool,
    undo_file: Path | None,
    resume: Path | None,
    undo: Path | None,
) -> int | None:
    r"""Apply the plan of this DIGEST, with your own rights, or go on with one, or take it back.

    The plan is made anew from the cluster as it is, and refused if its digest is another one. Each
    change is made only if its object is still what the plan was made for. What takes everything
    back is on the disk before the first change. Afterwards the server itself is asked whether
    the rights have ended, and those that are owed are still there. With --undo, a DIGEST refuses
    the file of any other plan: name the one that you approved where the file is from others.

    \b
    Examples:
      kubectl responsibility plan coast
      kubectl responsibility apply-plan --help
    """
    if where.files:
        raise click.UsageError("a plan is applied to a cluster, so -f has no use here")
    if (resume or undo) and (hub or everything or cluster or chosen or findings):
        raise click.UsageError("--resume and --undo need the undo file, and at most its DIGEST")
    if resume and undo:
        raise click.UsageError("say either --resume or --undo")
    if digest is None and not (resume or undo):
        hint = _MEANT if _DIGEST.fullmatch(where.cluster) else ""
        raise click.UsageError(
            f"say the DIGEST that `plan` showed, or --resume or --undo FILE{hint}"
        )
    if digest is not None and len(digest) < _SHORTEST_DIGEST:
        raise click.UsageError(f"DIGEST: give at least its first {_SHORTEST_DIGEST} characters")
    if resume is not None:
        return _resume(where, resume, digest or "", dry_run=dry_run, yes=yes)
    if undo is not None:
        return _undo(where, undo, digest or "", yes=yes)
    assert digest is not None  # noqa: S101 - said above
    from responsibility.cli.answers.plan_text import PlanMaker, PlanRequest

    maker = PlanMaker.of(where.load(ALL), instant(None), routes=routes)
    asked = PlanRequest(hub, everything, cluster, chosen, findings)
    aim, plan = _approved(maker, asked, digest)
    _spare_me(where, plan, even_me=even_me)
    path = undo_file or Path(f"undo-{plan.digest[:_SHORTEST_DIGEST]}.json")
    journal = _prepared(where, plan)
    say(f"{counted(len(plan.changes), 'change')} for {clean(plan.aim)}:")
    for number, change in enumerate(plan, 1):
        say(f"  {number}. {clean(str(change))}")
    if dry_run:
        _go(where, journal, None, dry_run=True)
        say("the server would take all of it; nothing was changed")
        return None
    confirm("Make these changes?", yes=yes)
    try:
        journal.write(path)
    except FileExistsError:
        raise CliError(
            f"{path} is there already, and may be the only way back from an earlier plan: name "
            "another with --undo-file"
        ) from None
    except OSError as error:
        raise CliError(f"{path} can't be written ({error}), so nothing was changed") from None
    say(f"undo file: {path}")
    _go(where, journal, path, dry_run=False)
    return _prove(where, maker, aim, plan, path)


def _approved(maker: PlanMaker, asked: PlanRequest, digest: str) -> tuple[Aim, Plan]:
    """Return the plan of this digest, made from the cluster as it is. Raises CliError."""
    from responsibility.cli.answers.plan_text import tell
    from responsibility.cli.terminal.progress import steps
    from responsibility.plans.aim import Aim

    if asked.words(routes=True):
        aims = [asked.aim(maker.report)]
    else:
        aims = [Aim(), Aim(cluster=True), *(Aim(record=r) for r in sorted(maker.assessment.hubs))]
    plan = None
    with steps("looking for the plan", len(aims) if len(aims) > _MANY_AIMS else 0) as made:
        for aim in aims:
            plan = maker.plan(aim, silent=len(aims) > _MANY_AIMS)
            made(1)
            if plan.digest.startswith(digest):
                if not plan.changes:
                    raise CliError("this plan changes nothing", code=Exit.OK)
                return aim, plan
    if plan is not None and len(aims) == 1:
        say("the plan, as the cluster is now:")
        tell(plan)
        say()
    raise CliError(
        f"plan {digest} is not what would be done now: the cluster, the records or the dates have "
        "changed since it was made"
        + (
            f"; now it is {plan.digest}. Look at it, and approve that one"
            if plan is not None and len(aims) == 1
            else ", or it was made for chosen subjects or findings: repeat the arguments of `plan` "
            "to see what is planned now"
        )
    )


def _spare_me(where: Where, plan: Plan, *, even_me: bool) -> None:
    """Refuse to saw off the branch that the person sits on. Raises CliError."""
    from responsibility.cli.sources import live
    from responsibility.rbac.identity import MASTERS, user_subject
    from responsibility.rbac.objects import GROUP, Subject

    user, groups = where.run(live.whoami)
    me = {user_subject(user), *(Subject(GROUP, group) for group in groups)}
    taken = sorted({subject for change in plan for subject in change.removes} & me)
    if taken and MASTERS not in groups and not even_me:
        raise CliError(
            f"this plan takes rights from yourself ({', '.join(map(str, taken))}), so that you may "
            "not be able to finish it or to take it back: have somebody else apply it, or say "
            "--even-me"
        )


def _prepared(where: Where, plan: Plan) -> Journal:
    from responsibility.cli.sources import live
    from responsibility.cluster import apply_plan

    async def work(api: Api) -> Journal | str:
        try:
            return await apply_plan.prepare(api, plan)
        except apply_plan.StaleError as stale:
            return str(stale)

    found: Journal | str = live.change(where, work)
    if isinstance(found, str):
        raise CliError(f"{found}: nothing was changed; plan again")
    return found


def _go(
    where: Where,
    journal: Journal,
    path: Path | None,
    *,
    dry_run: bool = False,
    back: bool = False,
) -> None:
    """Make or take back the steps. Raises CliError, with how to go on."""
    from responsibility.cli.sources import live
    from responsibility.cluster import apply_plan

    def tell(progress: Progress) -> None:
        word = {apply_plan.StepState.DONE: "was done before"}.get(progress.was, "done")
        word = "would be done" if dry_run and word == "done" else word
        what = f"undo: {progress.step.what}" if back else progress.step.what
        say(f"  {progress.number}. {word}: {clean(what)}")

    async def work(api: Api) -> apply_plan.StoppedError | None:
        try:
            if back:
                await apply_plan.take_back(api, journal, tell)
            else:
                await apply_plan.go_on(api, journal, tell, dry_run=dry_run)
        except apply_plan.StoppedError as stopped:
            return stopped
        return None

    stopped: apply_plan.StoppedError | None = live.change(where, work)
    if stopped is None:
        return
    remedy = ""
    if path is not None:
        file = quote(str(path))
        remedy = (
            f". Repair that and go on with `apply-plan --{'undo' if back else 'resume'} {file}`"
            + ("" if back else f", or take back what was made with `apply-plan --undo {file}`")
        )
    raise CliError(f"{stopped}{remedy}")


def _read(where: Where, path: Path, digest: str) -> tuple[Journal, str]:
    """Read an undo file, and see that it is this cluster's and of this plan. Raises CliError.

    Returns it, and the cluster's address.
    """
    from responsibility.cli.sources import live
    from responsibility.cluster import apply_plan
    from responsibility.cluster.undo import Journal

    try:
        journal = Journal.read(path)
    except (OSError, ValueError) as error:
        raise CliError(f"{clean(str(error))}") from None
    if not journal.digest.startswith(digest):
        raise CliError(
            f"{path} is of plan {journal.digest}, not of {clean(digest)}: somebody may have put "
            "it there; ask for the plan that was approved"
        )

    async def work(api: Api) -> tuple[str, str]:
        return api.host, await apply_plan.cluster_id(api)

    host, cluster = live.change(where, work)
    known = bool(journal.cluster and cluster)
    if (journal.cluster != cluster) if known else (journal.host != host):
        raise CliError(
            f"{path} was written for another cluster ({clean(journal.host)}), and this is {host}: "
            "choose it with --context"
        )
    return journal, host


def _show(journal: Journal, host: str, *, back: bool = False) -> None:
    """Show all that is sent, as the objects in the file have it: it is sent as oneself."""
    say(f"{host} will have:")
    for line in journal.shown(back=back):
        say(f"  {clean(line)}")


def _resume(where: Where, path: Path, digest: str, *, dry_run: bool, yes: bool) -> int | None:
    journal, host = _read(where, path, digest)
    _show(journal, host)
    confirm(f"Go on with the plan for {clean(journal.aim)} ({journal.digest})?", yes=yes)
    _go(where, journal, path, dry_run=dry_run)
    say("all changes are made; see what is left with `plan`")
    return None


def _undo(where: Where, path: Path, digest: str, *, yes: bool) -> int | None:
    journal, host = _read(where, path, digest)
    _show(journal, host, back=True)
    confirm(f"Take back the plan for {clean(journal.aim)} ({journal.digest})?", yes=yes)
    _go(where, journal, path, back=True)
    say(f"everything is as it was before; {path} is not needed any more")
    return None


def _prove(where: Where, maker: PlanMaker, aim: Aim, plan: Plan, path: Path) -> int:
    """Plan again, and have the server confirm it. Return the exit code."""
    from responsibility.cli.answers.plan_text import PlanMaker
    from responsibility.cli.sources import live
    from responsibility.plans.proof import expectations

    again = PlanMaker.of(where.load(ALL), instant(None), routes=plan.routes).plan(aim)
    if again.changes:
        warn(
            f"{counted(len(again.changes), 'change')} are left to plan: somebody has changed RBAC "
            "meanwhile; plan again"
        )
    asked = expectations(maker.snapshot, maker.assessment, plan)
    wrong = live.change(where, _asking(asked))
    if wrong is None:
        note("you may not ask the server about others, so it was not asked to confirm this")
        wrong = []
    elif not wrong:
        say(f"the server confirms it: {counted(len(asked), 'question')} asked")
    for each in wrong[:_MOST_TOLD]:
        still = "no longer may" if each.allowed else "still may"
        warn(f"{clean(str(each.subject))} {still} {each.asked.verb} {_what(each)}: {_why(each)}")
    if len(wrong) > _MOST_TOLD:
        warn(f"and {len(wrong) - _MOST_TOLD} more")
    say(f"to take it back: kubectl responsibility apply-plan --undo {quote(str(path))}")
    return Exit.NO if again.changes or wrong else Exit.OK


def _what(each: Expectation) -> str:
    asked = each.asked
    resource = "/".join(filter(None, (asked.resource, asked.subresource, asked.name)))
    return clean(f"{resource} in {asked.namespace}" if asked.namespace else resource)


def _why(each: Expectation) -> str:
    if each.allowed:
        return "take the plan back, and report this"
    return "something else than RBAC allows it, such as the cloud's IAM: end it there"


def _asking(
    expected: list[Expectation],
) -> Callable[[Api], Awaitable[list[Expectation] | None]]:
    """Return what asks the server, until it agrees or time is up; None if we may not ask."""

    async def work(api: Api) -> list[Expectation] | None:
        import asyncio

        from responsibility.kube import access_reviews
        from responsibility.kube.errors import ForbiddenError
        from responsibility.rbac.identity import user_and_groups

        left = expected
        end = asyncio.get_running_loop().time() + _SETTLED
        try:
            while left:
                questions = [
                    access_reviews.AccessQuestion(*user_and_groups(each.subject), each.asked)
                    for each in left
                ]
                answers = await access_reviews.subject_access_many(api, questions)
                left = [
                    each
                    for each, answer in zip(left, answers, strict=True)
                    if answer is not each.allowed
                ]
                if not left or asyncio.get_running_loop().time() > end:
                    return left
                await asyncio.sleep(_PAUSE)
        except ForbiddenError:
            return None
        return left

    return work
