"""Options that commands share: where to look, and how to answer."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from responsibility import api_groups
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.folders import NOTHING, Ignored
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.output import HEADERLESS, check_template, is_template, say
from responsibility.kube.login.impersonation import NOBODY_ELSE, Impersonation
from responsibility.kube.request_options import ANSWER, USUAL, RequestOptions
from responsibility.phrases import counted, did_you_mean, some

if TYPE_CHECKING:
    from responsibility.kube.protocol import Client

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")


def ignore_option(command: _F) -> _F:
    """Add ``--ignore``, whose patterns the command is given as ``ignored``."""

    def checked(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> Ignored:
        try:
            return Ignored.of(given)
        except ValueError as error:
            raise click.UsageError(f"--ignore {error}") from None

    return click.option(
        "--ignore",
        "ignored",
        multiple=True,
        metavar="GLOB",
        callback=checked,
        help="Pass over what is called so in folders, such as docs, *.md or /old/**/x.yaml; may be "
        "repeated.",
    )(command)


def note(text: str) -> None:
    """Tell a person something beside the answer, on stderr."""
    say(f"note: {text}", err=True)


def warn(text: str) -> None:
    """Warn on stderr, in the form that kubectl uses."""
    say(f"Warning: {text}", err=True)


def _unsaid(_text: str) -> None:
    """Say nothing."""


class Verbosity(enum.IntEnum):
    """How much is told beside an answer that files give."""

    NOTHING = 0
    NOTES = 1
    DETAILS = 2


@dataclass(frozen=True, slots=True)
class Where:
    """Where to look: files, or a cluster."""

    files: tuple[str, ...] = ()
    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None
    default_roles: bool = True
    kubernetes: str = ""
    ignored: Ignored = NOTHING
    acting_as: Impersonation = NOBODY_ELSE
    cluster: str = ""
    user: str = ""
    told: Verbosity = Verbosity.NOTES
    requests: RequestOptions = USUAL

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
                version=self.kubernetes,
                notes=note if self.told >= Verbosity.NOTES else _unsaid,
                details=note if self.told >= Verbosity.DETAILS else _unsaid,
                ignored=self.ignored,
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
    """Add ``-f`` and what kubectl has to reach a cluster; the command gets ``where``."""
    return _where(function, (_cluster_option(), *_acting_options()))


def where_options_with_bare_cluster(function: _F) -> _F:
    """Add the same, for a command to which ``--cluster`` without a name was ``--cluster-wide``."""
    return _where(function, (_cluster_option(bare=_BARE), *_acting_options()))


def where_options_without_as(function: _F) -> _F:
    """Add the same, for a command to which ``--as`` means something of its own."""
    return _where(function, (_cluster_option(),))


def _where(function: _F, some: tuple[Callable[[Any], Any], ...]) -> _F:
    @functools.wraps(function)
    def wrapper(**values: Any) -> object:
        acting_as = NOBODY_ELSE
        if "as_user" in values:
            acting_as = _acting_as(
                values.pop("as_user"), values.pop("as_groups"), values.pop("as_uid")
            )
        verbosity = values.pop("verbosity")
        if values.get("kubeconfig_cluster") == _BARE:
            values |= {"kubeconfig_cluster": None, "cluster": True}
            warn(
                "--cluster without a name is deprecated here, and will be an error: say "
                "--cluster-wide. With a name it is the kubeconfig's cluster, as with kubectl"
            )
        where = Where(
            acting_as=acting_as,
            files=values.pop("files"),
            kubeconfig=values.pop("kubeconfig"),
            context=values.pop("context"),
            namespace=values.pop("namespace"),
            default_roles=values.pop("default_roles"),
            kubernetes=values.pop("kubernetes_version") or "",
            cluster=values.pop("kubeconfig_cluster", None) or "",
            user=values.pop("user_entry") or "",
            told=Verbosity.DETAILS if verbosity >= _DETAILS else Verbosity.NOTES,
            requests=RequestOptions(
                values.pop("request_timeout"), _tell if verbosity >= _REQUESTS else None
            ),
        )
        reaching = (where.kubeconfig, where.context, where.acting_as, where.cluster, where.user)
        if where.files and any(reaching):
            raise click.UsageError(
                "-f reads files, so --kubeconfig, --context, --cluster, --user and --as have no use"
            )
        if where.kubernetes and not (where.files and where.default_roles):
            raise click.UsageError(
                "--kubernetes-version says whose roles files are completed by: it needs -f, and "
                "has no use with --no-default-roles"
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
            "--user",
            "user_entry",
            metavar="ENTRY",
            help="The kubeconfig's user to log in as, instead of the context's.",
        ),
        click.option(
            "--request-timeout",
            default=str(ANSWER),
            callback=_timeout,
            metavar="SPAN",
            help="How long to wait for each answer, such as 10s or 2m; 0 waits for ever "
            "(default: 30s).",
        ),
        click.option(
            "-v",
            "--v",
            "verbosity",
            type=click.IntRange(0, 10),
            default=0,
            metavar="LEVEL",
            help="On stderr: from 1 on, what files are completed by and which objects are passed "
            "over; from 6 on, each request with its answer's status and time.",
        ),
        click.option(
            "-n",
            "--namespace",
            help="The namespace (default: that of the context). With -f, also that of manifests "
            "which name none.",
        ),
        click.option(
            "--default-roles/--no-default-roles",
            default=True,
            help="With -f: whether to take cluster-admin, admin, edit, view and other roles that "
            "are bound but not in the files as Kubernetes makes them (default: yes).",
        ),
        click.option(
            "--kubernetes-version",
            metavar="VERSION",
            callback=_known_version,
            help="With -f: the Kubernetes whose roles these are, such as 1.35 (default: the newest "
            "known; `version` names it).",
        ),
        *some,
    )
    decorated: Any = wrapper
    for option in reversed(options):
        decorated = option(decorated)
    found: _F = decorated
    return found


# What ``--cluster`` is without a name; no argument of a process can hold it.
_BARE = "\0"

cluster_wide_option = click.option(
    "--cluster-wide", "cluster", is_flag=True, help="The excess rights of the cluster as a whole."
)


def _cluster_option(*, bare: str | None = None) -> Callable[[Any], Any]:
    without: dict[str, Any] = {} if bare is None else {"is_flag": False, "flag_value": bare}
    return click.option(
        "--cluster",
        "kubeconfig_cluster",
        metavar="ENTRY",
        **without,
        help="The kubeconfig's cluster to ask, instead of the context's.",
    )


def _known_version(
    _context: click.Context, _option: click.Parameter, written: str | None
) -> str | None:
    """Return a version of Kubernetes whose roles are known. Raises BadParameter."""
    if written is None:
        return None
    from responsibility.cli.sources import default_roles

    try:
        return default_roles.known(written)
    except ValueError as error:
        raise click.BadParameter(f"{written}: {error}") from None


# The level from which kubectl tells of requests, and that from which it tells more than answers.
_REQUESTS = 6
_DETAILS = 1
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _timeout(_context: click.Context, _option: click.Parameter, written: str) -> float | None:
    """Return seconds, None for any time: a number of them, or Go's form (1m30s)."""
    if re.fullmatch(r"\d+(\.\d+)?", written):
        seconds = float(written)
    elif re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h))+", written):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", written)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    else:
        raise click.BadParameter(f"{written} is no time: write one such as 10s or 1m30s")
    return seconds or None


def _tell(verb: str, url: str, status: int, seconds: float) -> None:
    # A kubeconfig's server may have a password in it.
    shown = re.sub(r"(?<=//)[^/]*@", "", url, count=1)
    say(f"{verb} {shown}: {status} in {seconds * 1000:.0f} ms", err=True)


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


class Words(click.Choice[str]):
    """Some words; of what is none of them, it is said which it may mean."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Return what is wrong with a word."""
        said = super().get_invalid_choice_message(value, ctx)
        meant = did_you_mean(str(value), list(map(str, self.choices))).removeprefix("; d")
        return f"{said} D{meant}" if meant else said


def output_option(*formats: str, default: str = "table") -> Callable[[_F], _F]:
    """Add ``-o``; the command gets ``output``."""
    choices = formats or ("table", "wide", "name", "json", "yaml")
    templated = "json" in choices and not {"table", "text"}.isdisjoint(choices)
    option = click.option(
        "-o",
        "--output",
        type=_Format(choices) if templated else Words(choices),
        default=default,
        show_default=True,
        help="How to answer."
        + (" Also jsonpath=… and custom-columns=… of what json has." if templated else ""),
    )
    if "table" not in choices:
        return option
    return lambda function: option(_headers_option(function))


# Read by ``terminal.output`` from the context, since every command has it and does nothing with it.
_headers_option = click.option(
    "--no-headers",
    is_flag=True,
    expose_value=False,
    callback=lambda context, _option, given: context.meta.__setitem__(HEADERLESS, given),
    help="Leave out the line of headings, the title and the footer of tables.",
)


class _Format(Words):
    """One of some formats, or a template of kubectl's: what is wrong with it is told at once."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format. Raises BadParameter."""
        if is_template(value):
            try:
                check_template(value)
            except ValueError as error:
                self.fail(f"{value}: {error}", param, ctx)
            return value
        return str(super().convert(value, param, ctx))


# For what isn't a table: -o table and -o wide are taken as everywhere, and mean the same here.
text_option = output_option("text", "table", "wide", "json", "yaml", default="text")


# Lines of what could be as long as a fleet is large.
MOST_LINES = 50

full_option = click.option(
    "--full", is_flag=True, help=f"Show all lines, also where there are more than {MOST_LINES}."
)


def left_out_text(number: int, most: int | None, noun: str = "line") -> str:
    """Return how much more there is than is shown; empty if it is all."""
    left = 0 if most is None else number - most
    return f"and {counted(left, noun)} more: --full shows all" if left > 0 else ""


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
