"""Views out of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from responsibility import api_groups
from responsibility.api.names import API_GROUP, KEY_PREFIX
from responsibility.cli.sources import default_roles
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.manifests import Location, Manifest, read
from responsibility.cli.terminal.errors import CliError, counted
from responsibility.cli.terminal.progress import progress
from responsibility.rbac.parse import parse_binding, parse_role


def load(
    paths: Sequence[str],
    need: Need,
    *,
    namespace: str | None = None,
    assume_roles: bool = True,
    notes: Callable[[str], None] = lambda _: None,
) -> ClusterView:
    """Return what the files say; ``notes`` is told what a person should know. Raises CliError."""
    reader = _Reader(need, namespace)
    with progress(paths) as done:
        for manifest in read(paths, progress=done):
            reader.take(manifest)
    view = reader.view
    if not reader.seen:
        raise CliError(f"{', '.join(paths)}: there is no object in it")
    if reader.unknown:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in reader.unknown.most_common(5))
        more = f" and {counted(len(reader.unknown) - 5, 'more kind')}" * (len(reader.unknown) > 5)
        total = counted(reader.unknown.total(), "object")
        notes(f"passed over {total} of kinds that have no part in this: {kinds}{more}")
    if assume_roles:
        _assume(view, notes)
    if Need.OWNERSHIP in need:
        from responsibility.cli.sources.agreements import add_agreements

        add_agreements(view, reader.models, reader.records, notes)
    return view


@dataclass(slots=True)
class _Reader:
    """Sorts manifests into a view."""

    need: Need
    namespace: str | None
    view: ClusterView = field(init=False)
    unknown: Counter[str] = field(default_factory=Counter)
    models: list[Manifest] = field(default_factory=list)
    records: list[Manifest] = field(default_factory=list)
    seen: int = 0

    def __post_init__(self) -> None:
        self.view = ClusterView(live=False, namespace=self.namespace or "default")

    def take(self, manifest: Manifest) -> None:
        """Put one object where it belongs."""
        raw, place = manifest.raw, manifest.place
        self.seen += 1
        kind, version = raw.get("kind"), raw.get("apiVersion")
        if not isinstance(kind, str) or not isinstance(version, str) or not kind or not version:
            missing = "kind" if not isinstance(kind, str) or not kind else "apiVersion"
            raise CliError(f"{place}: this object has no {missing}, as every Kubernetes object has")
        handler = HANDLERS.get((version.rpartition("/")[0], kind))
        if handler is None:
            self.unknown[kind] += 1
            return
        metadata = raw.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(metadata, dict) or not isinstance(name, str) or not name:
            raise CliError(f"{place}: this {kind} has no metadata.name")
        namespace = ""
        if handler.namespaced:
            namespace = self._namespace(kind, name, metadata, place)
        self._note_place(kind, namespace, name, place, mergeable=handler.mergeable)
        try:
            handler.take(self, raw, manifest)
        except ValueError as error:
            raise CliError(f"{place}: {error}") from None

    def _namespace(self, kind: str, name: str, metadata: dict[str, Any], place: Location) -> str:
        namespace = metadata.get("namespace") or self.namespace
        if not isinstance(namespace, str) or not namespace:
            raise CliError(
                f"{place}: {kind} {name} has no metadata.namespace: write it there, or say with "
                "-n which namespace such objects belong to"
            )
        metadata["namespace"] = namespace
        self.view.namespaces.setdefault(namespace, False)
        return namespace

    def _note_place(
        self, kind: str, namespace: str, name: str, place: Location, *, mergeable: bool
    ) -> None:
        key = (kind, namespace, name)
        first = self.view.places.setdefault(key, place)
        if first is not place and not mergeable:
            called = f"{namespace}/{name}" if namespace else name
            raise CliError(f"{kind} {called} is there twice: {first}; and {place}")


def _take_role(reader: _Reader, raw: Mapping[str, Any], _: Manifest) -> None:
    reader.view.roles.append(parse_role(raw))


def _take_binding(reader: _Reader, raw: Mapping[str, Any], _: Manifest) -> None:
    reader.view.bindings.append(parse_binding(raw))


def _take_namespace(reader: _Reader, raw: Mapping[str, Any], _: Manifest) -> None:
    meta = raw["metadata"]
    reader.view.namespaces[meta["name"]] = bool(meta.get("deletionTimestamp"))


def _take_deployment(reader: _Reader, raw: Mapping[str, Any], _: Manifest) -> None:
    if Need.OWNERSHIP not in reader.need:
        return
    from responsibility.hub.discovery import parse_deployment

    deployment = parse_deployment(raw, own_prefix=KEY_PREFIX)
    if deployment is not None:
        reader.view.deployments.append(deployment)


def _take_definition(reader: _Reader, raw: Mapping[str, Any], _: Manifest) -> None:
    reader.view.types.define(raw)


def _take_model(reader: _Reader, _: Mapping[str, Any], manifest: Manifest) -> None:
    reader.models.append(manifest)


def _take_record(reader: _Reader, _: Mapping[str, Any], manifest: Manifest) -> None:
    reader.records.append(manifest)


def _take_nothing(_: _Reader, __: Mapping[str, Any], ___: Manifest) -> None:
    # Known and checked like the others; whether an account exists, files can't say.
    pass


@dataclass(frozen=True, slots=True)
class _Handler:
    take: Callable[[_Reader, Mapping[str, Any], Manifest], None]
    namespaced: bool = False
    mergeable: bool = False


# By API group and kind, whatever the version: what has a part in this.
HANDLERS: Mapping[tuple[str, str], _Handler] = {
    (api_groups.RBAC, "Role"): _Handler(_take_role, namespaced=True),
    (api_groups.RBAC, "ClusterRole"): _Handler(_take_role),
    (api_groups.RBAC, "RoleBinding"): _Handler(_take_binding, namespaced=True),
    (api_groups.RBAC, "ClusterRoleBinding"): _Handler(_take_binding),
    ("", "Namespace"): _Handler(_take_namespace),
    ("", "ServiceAccount"): _Handler(_take_nothing, namespaced=True),
    (api_groups.APPS, "Deployment"): _Handler(_take_deployment, namespaced=True),
    (api_groups.API_EXTENSIONS, "CustomResourceDefinition"): _Handler(_take_definition),
    # Several field managers may each say a part of it.
    (API_GROUP, "ResponsibilityModel"): _Handler(_take_model, mergeable=True),
    (API_GROUP, "Responsibility"): _Handler(_take_record),
}


def _assume(view: ClusterView, notes: Callable[[str], None]) -> None:
    """Add Kubernetes' own user-facing roles, where they are bound and not in the files."""
    there = {role.key for role in view.roles}
    wanted = {
        binding.role.name
        for binding in view.bindings
        if not binding.role.namespace and binding.role not in there
    }
    assumed = default_roles.assume(sorted(wanted), view.roles)
    if not assumed:
        return
    view.roles.extend(assumed)
    view.assumed = frozenset(role.key for role in assumed)
    names = ", ".join(role.key.name for role in assumed)
    notes(
        f"not in the files, so taken as Kubernetes {default_roles.VERSION} makes them: ClusterRole "
        f"{names} (--no-default-roles leaves them unknown)"
    )
