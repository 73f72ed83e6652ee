"""Views of a live cluster: only what a question needs is listed, in pages, all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from responsibility import api_groups
from responsibility.api.names import API_VERSION, KEY_PREFIX, MODELS, PLUGIN, RECORDS, UNKNOWN_USER
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.resource_types import ResourceTypes
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.slim_imports import import_async_client_only
from responsibility.kube import access_reviews, fast_client
from responsibility.kube.errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
)
from responsibility.kube.login import fast_login
from responsibility.kube.login.kubeconfig import ConfigurationError
from responsibility.kube.object_reader import LEFT_OUT
from responsibility.kube.protocol import JSON, METADATA_LIST
from responsibility.ownership.terms.managed_namespaces import is_managed
from responsibility.rbac.objects import Attributes
from responsibility.rbac.parse import parse_binding, parse_role

if TYPE_CHECKING:
    from responsibility.cli.sources.access_question import AskedUser
    from responsibility.cli.sources.options import Where
    from responsibility.kube.client import Api
    from responsibility.kube.protocol import Client
    from responsibility.kube.request_options import RequestOptions

_T = TypeVar("_T")
Json = dict[str, Any]

_RBAC = f"/apis/{api_groups.RBAC}/v1"
_OURS = f"/apis/{API_VERSION}"
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# Larger than the usual 500: each page costs a round trip, and a person is waiting.
_PAGE = 2_000
_AUTHENTICATION = f"{api_groups.AUTHENTICATION}/v1"
_WHOAMI = f"/apis/{_AUTHENTICATION}/selfsubjectreviews"


def run(where: Where, work: Callable[[Client], Awaitable[_T]]) -> _T:
    """Connect and do the work; what goes wrong on the way is CliError.

    It may be done twice, so it must change nothing: the quick client leaves to the whole one what
    it doesn't understand.
    """
    with _in_plain_words():
        login = fast_login.login(
            where.kubeconfig,
            where.context,
            where.acting_as,
            cluster=where.cluster,
            user=where.user,
        )
        if login is not None:
            try:
                return asyncio.run(_quickly(login, where.requests, work))
            except* fast_client.UnusualError:
                pass
        return asyncio.run(_wholly(where, work))


def change(where: Where, work: Callable[[Api], Awaitable[_T]]) -> _T:
    """Connect and do the work once: it may change things. What goes wrong is CliError."""
    with _in_plain_words():
        return asyncio.run(_wholly(where, work))


async def _quickly(
    login: fast_login.Login, requests: RequestOptions, work: Callable[[Client], Awaitable[_T]]
) -> _T:
    connecting = fast_client.FastApi.connect(login, user_agent=PLUGIN, requests=requests)
    async with connecting as api:
        return await work(api)


async def _wholly(where: Where, work: Callable[[Api], Awaitable[_T]]) -> _T:
    import_async_client_only()
    try:
        from responsibility.kube.client import Api
    except ModuleNotFoundError as missing:
        raise CliError(
            f"asking this cluster takes {missing.name}, which is not installed here: install the "
            "whole package, or read files with -f"
        ) from None

    connecting = Api.connect(
        where.kubeconfig,
        where.context,
        acting_as=where.acting_as,
        cluster=where.cluster,
        user=where.user,
        requests=where.requests,
    )
    async with connecting as api:
        return await work(api)


@contextmanager
def _in_plain_words() -> Iterator[None]:
    try:
        yield
    except* ConfigurationError as group:
        raise CliError(f"{_first(group)}; or read files with -f") from None
    except* UnauthorizedError as group:
        why = "log in again, or name other credentials with --kubeconfig and --context"
        raise CliError(
            f"the cluster doesn't accept these credentials ({_first(group)}): {why}"
        ) from None
    except* ApiError as group:
        raise CliError(f"the cluster doesn't answer: {_first(group)}") from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def gather(api: Client, need: Need, *, namespace: str, scope: str = "") -> ClusterView:
    """List what is needed. With a ``scope``, RoleBindings and Roles of that namespace only."""
    view = ClusterView(live=True, namespace=namespace, scope=scope)
    lister = _Lister(api)
    within = f"{_RBAC}/namespaces/{quote(scope, safe='')}" if scope else _RBAC
    async with asyncio.TaskGroup() as group:
        if Need.ACCESS in need:
            tasks = [
                group.create_task(lister.fold(path, parse, into))
                for path, parse, into in (
                    (f"{_RBAC}/clusterroles", parse_role, view.roles),
                    (f"{_RBAC}/clusterrolebindings", parse_binding, view.bindings),
                    (f"{within}/roles", parse_role, view.roles),
                    (f"{within}/rolebindings", parse_binding, view.bindings),
                )
            ]
            assert tasks  # noqa: S101 - kept alive until the group ends
            group.create_task(_probe(api, view))
        if Need.TYPES in need:
            group.create_task(_discover(api, view))
        if Need.OWNERSHIP in need:
            group.create_task(_ownership(lister, view))
        if Need.TRACES in need:
            group.create_task(_traces(api, lister, view))
    view.denied = tuple(sorted(lister.denied))
    view.left_out = tuple(sorted(lister.left_out))
    return view


async def ask(api: Client, user: str, groups: Sequence[str], asked: Attributes) -> bool | None:
    """Return what the server itself says; None if we may not ask about others."""
    try:
        return await access_reviews.subject_access(api, user, groups, asked)
    except ForbiddenError:
        return None


async def ask_for(
    api: Client, who: AskedUser, asked: Attributes, *, ourselves: bool
) -> bool | None:
    """Return what the server says about ``who``; about ourselves it always answers."""
    if not ourselves:
        return await ask(api, who.user, who.groups, asked)
    return await access_reviews.self_access(api, asked)


async def whoami(api: Client) -> tuple[str, tuple[str, ...]]:
    """Return our own user name and groups, as the server sees them."""
    body = {"apiVersion": _AUTHENTICATION, "kind": "SelfSubjectReview"}
    answer = await api.create(_WHOAMI, body)
    info = (answer.get("status") or {}).get("userInfo") or {}
    return str(info.get("username") or ""), tuple(info.get("groups") or ())


class _Lister:
    """Lists collections; those we may not list, or that don't exist, are empty."""

    def __init__(self, api: Client) -> None:
        self.denied: set[str] = set()
        self.left_out: list[str] = []
        self._api = api

    async def items(self, path: str, *, metadata: bool = False) -> list[Json]:
        found: list[Json] = []
        try:
            accept = METADATA_LIST if metadata else JSON
            async for page in self._api.pages(path, limit=_PAGE, accept=accept):
                found.extend(page.get("items") or ())
        except ForbiddenError:
            self.denied.add(path.rpartition("/")[2])
        except NotFoundError:
            # Our own kinds, on a cluster where nothing of this is installed.
            return []
        return found

    async def fold(self, path: str, parse: Callable[[Json], Any], into: list[Any]) -> None:
        for item in await self.items(path):
            try:
                into.append(_read(parse, item))
            except ValueError as error:
                # One odd object must not hide the others; that it is left out is said.
                kind, meta = path.rpartition("/")[2], item.get("metadata") or {}
                place = [str(meta[key]) for key in ("namespace", "name") if meta.get(key)]
                self.left_out.append(f"{kind} {'/'.join(place)}: {error}")


def _read(parse: Callable[[Json], Any], item: Json) -> Any:  # noqa: ANN401 - whatever is parsed
    if why := item.get(LEFT_OUT):
        raise ValueError(why)
    return parse(item)


async def _probe(api: Client, view: ClusterView) -> None:
    """Find out whether RBAC decides at all; unknown if we may not ask."""
    question = Attributes(verb="delete", resource="namespaces")
    answer = await ask(api, UNKNOWN_USER, (), question)
    view.rbac_enforced = None if answer is None else not answer


async def _discover(api: Client, view: ClusterView) -> None:
    try:
        answers = await asyncio.gather(
            *(api.get(path, accept=_DISCOVERY) for path in ("/api", "/apis"))
        )
        groups = [group for answer in answers for group in answer["items"]]
        view.types = ResourceTypes.discovered(groups)
    except (ApiError, KeyError):
        # A server that doesn't know this form (before 1.27): its own kinds are known anyway.
        view.types = ResourceTypes.builtin()


async def _traces(api: Client, lister: _Lister, view: ClusterView) -> None:
    """List what may be of ours, and read how each operator that is there is set up."""
    from responsibility.cluster import switches
    from responsibility.cluster.leftovers import WEBHOOK, Traces, is_charted

    found = view.traces = Traces()
    admission = f"/apis/{api_groups.ADMISSION_REGISTRATION}/v1"
    kinds = (
        ("Namespace", "/api/v1/namespaces", True),
        ("Deployment", "/apis/apps/v1/deployments", True),
        ("RoleBinding", f"{_RBAC}/rolebindings", False),
        ("ClusterRoleBinding", f"{_RBAC}/clusterrolebindings", False),
        ("ValidatingAdmissionPolicy", f"{admission}/validatingadmissionpolicies", False),
        (
            "ValidatingAdmissionPolicyBinding",
            f"{admission}/validatingadmissionpolicybindings",
            False,
        ),
        (WEBHOOK, f"{admission}/validatingwebhookconfigurations", False),
    )
    for kind, path, metadata in kinds:
        for raw in await lister.items(path, metadata=metadata):
            if why := raw.get(LEFT_OUT):
                lister.left_out.append(f"{kind} {raw['metadata'].get('name')}: {why}")
                continue
            found.add({**raw, "kind": kind})
            if kind == "Deployment" and is_charted(raw["metadata"]):
                meta = raw["metadata"]
                whole = f"/apis/apps/v1/namespaces/{meta['namespace']}/deployments/{meta['name']}"
                view.operators.append(switches.read(await api.get(whole)))


async def _ownership(lister: _Lister, view: ClusterView) -> None:
    from responsibility.cli.sources.agreements import add_live
    from responsibility.hub.discovery import parse_deployment

    deployments, namespaces, accounts, models, records = await asyncio.gather(
        lister.items("/apis/apps/v1/deployments", metadata=True),
        lister.items("/api/v1/namespaces", metadata=True),
        lister.items("/api/v1/serviceaccounts", metadata=True),
        lister.items(f"{_OURS}/{MODELS}"),
        lister.items(f"{_OURS}/{RECORDS}"),
    )
    parsed = (parse_deployment(raw, own_prefix=KEY_PREFIX) for raw in deployments)
    view.deployments = [deployment for deployment in parsed if deployment is not None]
    for raw in namespaces:
        meta = raw["metadata"]
        view.namespaces[meta["name"]] = bool(meta.get("deletionTimestamp"))
    if "namespaces" not in lister.denied:
        metas = (raw["metadata"] for raw in namespaces)
        view.managed = frozenset(meta["name"] for meta in metas if is_managed(meta))
    if "serviceaccounts" not in lister.denied:
        view.accounts = frozenset(
            (raw["metadata"]["namespace"], raw["metadata"]["name"]) for raw in accounts
        )
    if "namespaces" in lister.denied:
        view.namespaces = dict.fromkeys((d.namespace for d in view.deployments), False)
    add_live(view, models, records)
