"""Options that commands share: where to look, and how to answer."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from responsibility import api_groups
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import say
from responsibility.kube.login.impersonation import NOBODY_ELSE, Impersonation
from responsibility.phrases import some

if TYPE_CHECKING:
    from responsibility.kube.protocol import Client

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")


def note(text: str) -> None:
    """Tell a person something beside the answer, on stderr."""
    say(f"note: {text}", err=True)


def warn(text: str) -> None:
    """Warn on stderr, in the form that kubectl uses."""
    say(f"Warning: {text}", err=True)


@dataclass(frozen=True, slots=True)
class Where:
    """Where to look: files, or a cluster."""

    files: tuple[str, ...] = ()
    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None
    default_roles: bool = True
    acting_as: Impersonation = NOBODY_ELSE

    @property
    def live(self) -> bool:
        """Whether a cluster is asked."""
        return not self.files

    @property
    def current_namespace(self) -> str:
        """The namespace to use: the one named, else that of the context."""
        if self.namespace is not None:
            return self.namespace
        if self.files:
            return "default"
        from responsibility.kube.login import kubeconfig as kubeconfigs

        try:
            return kubeconfigs.current(self.kubeconfig, self.context).namespace
        except kubeconfigs.ConfigurationError as error:
            raise CliError(str(error)) from None

    def load(self, need: Need, *, scope: str = "", complete: bool = True) -> ClusterView:
        """Return the view. With ``complete``, not being allowed to list RBAC is CliError."""
        if self.files:
            from responsibility.cli.sources import offline

            return offline.load(
                self.files,
                need,
                namespace=self.namespace,
                assume_roles=self.default_roles,
                notes=note,
            )
        from responsibility.cli.sources import live

        namespace = self.current_namespace
        view = self.run(lambda api: live.gather(api, need, namespace=namespace, scope=scope))
        if complete:
            require_access(view)
        return view

    def run(self, work: Callable[[Client], Awaitable[_T]]) -> _T:
        """Do something on the cluster. Raises CliError."""
        from responsibility.cli.sources import live

        return live.run(self, work)


# Objects that can't be read and are named one by one.
_MOST_LEFT_OUT = 5
_RBAC_KINDS = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")


def denied_rbac(view: ClusterView) -> list[str]:
    """Return the kinds of RBAC objects that may not be listed."""
    return [kind for kind in _RBAC_KINDS if kind in view.denied]


def require_access(view: ClusterView) -> None:
    """Raise CliError if the RBAC objects could not be read; warn of a cluster without RBAC."""
    denied = denied_rbac(view)
    if denied:
        raise CliError(
            f"you may not list {', '.join(denied)} ({api_groups.RBAC}) on this cluster, "
            "without which this can't be answered: ask for the right to list them, or ask "
            "single questions with can-i, which the server itself can answer"
        )
    for kind in sorted(set(view.denied)):
        warn(f"you may not list {kind}: what depends on them is left out")
    if view.left_out:
        left_out = some(view.left_out, _MOST_LEFT_OUT, between="; ", last="; and ")
        warn(f"what follows is said without what can't be read: {left_out}")
    if view.rbac_enforced is False:
        warn(
            "this cluster allows things to a user nobody has heard of: RBAC doesn't decide here, "
            "so what follows is what is written, not what holds"
        )


def where_options(function: _F) -> _F:
    """Add ``-f``, ``--kubeconfig``, ``--context``, ``-n``, ``--as``; the command gets ``where``."""
    return _where(function, _acting_options())


def where_options_without_as(function: _F) -> _F:
    """Add the same, for a command to which ``--as`` means something of its own."""
    return _where(function, ())


def _where(function: _F, acting: tuple[Callable[[Any], Any], ...]) -> _F:
    @functools.wraps(function)
    def wrapper(**values: Any) -> object:
        acting_as = NOBODY_ELSE
        if acting:
            acting_as = _acting_as(
                values.pop("as_user"), values.pop("as_groups"), values.pop("as_uid")
            )
        where = Where(
            acting_as=acting_as,
            files=values.pop("files"),
            kubeconfig=values.pop("kubeconfig"),
            context=values.pop("context"),
            namespace=values.pop("namespace"),
            default_roles=values.pop("default_roles"),
        )
        if where.files and (where.kubeconfig or where.context or where.acting_as):
            raise click.UsageError(
                "-f reads files, so --kubeconfig, --context and --as have no use"
            )
        return function(where=where, **values)

    options = (
        click.option(
            "-f",
            "--filename",
            "files",
            multiple=True,
            metavar="PATH",
            type=click.Path(),
            help="Read manifests instead of a cluster: a file, a folder, or - for standard input. "
            "May be repeated.",
        ),
        click.option(
            "--kubeconfig",
            type=click.Path(path_type=Path),
            help="The kubeconfig to use (default: $KUBECONFIG, else ~/.kube/config).",
        ),
        click.option("--context", help="The kubeconfig's context to use."),
        click.option(
            "-n",
            "--namespace",
            help="The namespace (default: that of the context). With -f, also that of manifests "
            "which name none.",
        ),
        click.option(
            "--default-roles/--no-default-roles",
            default=True,
            help="With -f: whether to take cluster-admin, admin, edit and view, where they are "
            "bound but not in the files, as Kubernetes makes them (default: yes).",
        ),
        *acting,
    )
    decorated: Any = wrapper
    for option in reversed(options):
        decorated = option(decorated)
    found: _F = decorated
    return found


def _acting_options() -> tuple[Callable[[Any], Any], ...]:
    return (
        click.option(
            "--as", "as_user", metavar="USER", help="Act as this user, as with kubectl --as."
        ),
        click.option(
            "--as-group",
            "as_groups",
            multiple=True,
            metavar="GROUP",
            help="Act as a member of this group; may be repeated.",
        ),
        click.option("--as-uid", metavar="UID", help="The UID to act with."),
    )


def _acting_as(user: str | None, groups: tuple[str, ...], uid: str | None) -> Impersonation:
    if not user and (groups or uid):
        raise click.UsageError("--as-group and --as-uid need --as: name the user as well")
    found = Impersonation(user or "", groups, uid or "")
    if problem := found.problem():
        raise CliError(problem)
    return found


def output_option(*formats: str, default: str = "table") -> Callable[[_F], _F]:
    """Add ``-o``; the command gets ``output``."""
    choices = formats or ("table", "wide", "json", "yaml")
    return click.option(
        "-o",
        "--output",
        type=click.Choice(choices),
        default=default,
        show_default=True,
        help="How to answer.",
    )


# For what isn't a table: -o table and -o wide are taken as everywhere, and mean the same here.
text_option = output_option("text", "table", "wide", "json", "yaml", default="text")


at_option = click.option(
    "--at",
    "moment",
    metavar="TIME",
    help="Judge dates as of this moment, such as 2027-03-01 (default: now).",
)


routes_option = click.option(
    "--routes",
    is_flag=True,
    help="Also find who could make itself able to: by bind, escalate, impersonate, a token, a pod "
    "that runs as somebody else, … On five thousand bindings that takes about half a second more.",
)


def instant(text: str | None) -> datetime:
    """Return the moment that ``--at`` means, by default the present. Raises CliError."""
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(
            f"--at {text}: write a moment such as 2027-03-01 or 2027-03-01T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
