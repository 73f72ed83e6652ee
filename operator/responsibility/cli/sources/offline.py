"""Views out of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from responsibility import api_groups
from responsibility.api.names import API_GROUP, KEY_PREFIX
from responsibility.cli.sources import default_roles
from responsibility.cli.sources.aggregation import aggregate
from responsibility.cli.sources.cluster_view import ClusterView, Need
from responsibility.cli.sources.folders import NOTHING, Ignored, PassedOver
from responsibility.cli.sources.location import Location
from responsibility.cli.sources.manifests import Manifest, read
from responsibility.cli.terminal.errors import CliError
from responsibility.cli.terminal.progress import progress
from responsibility.phrases import counted, some
from responsibility.rbac.objects import Binding, BindingKey, Role, RoleKey
from responsibility.rbac.parse import parse_binding, parse_role
from responsibility.rbac.validation import refusals
from responsibility.upgrades.removals import RemovedApi, removed_apis

if TYPE_CHECKING:
    from responsibility.hub.discovery import Deployment


def load(
    paths: Sequence[str],
    need: Need,
    *,
    namespace: str | None = None,
    assume_roles: bool = True,
    version: str = "",
    notes: Callable[[str], None] = lambda _: None,
    details: Callable[[str], None] = lambda _: None,
    ignored: Ignored = NOTHING,
) -> ClusterView:
    """Return what the files say; ``notes`` is told what a person should know. Raises CliError.

    ``details`` is told what is so of nearly all files: what they are completed by, and which of
    their objects say nothing of rights. ``version`` is the Kubernetes whose own
    roles are taken, by default the newest known.
    """
    reader = _Reader(need, namespace)
    passed = PassedOver()
    with progress(paths) as done:
        for manifest in read(
            paths, progress=done, notes=notes, ignored=ignored, namespace=namespace, passed=passed
        ):
            reader.take(manifest)
    view = reader.view
    view.files = tuple(paths)
    view.unread = tuple(passed.unread)
    view.roles = list(reader.roles.values())
    view.bindings = list(reader.bindings.values())
    view.deployments = list(reader.deployments.values())
    if not reader.seen:
        raise CliError(f"{', '.join(paths)}: there is no object in it")
    if reader.unknown:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in reader.unknown.most_common(5))
        more = f" and {counted(len(reader.unknown) - 5, 'more kind')}" * (len(reader.unknown) > 5)
        total = counted(reader.unknown.total(), "object")
        details(f"passed over {total} of kinds that have no part in this: {kinds}{more}")
    reader.tell_repeated(notes)
    if Need.OWNERSHIP in need:
        reader.tell_removed(notes)
    if reader.hooks:
        notes(
            f"counted as applied: {counted(reader.hooks, 'object')} of RBAC that Helm makes for a "
            "while only, as hooks"
        )
    complete(view, assume_roles=assume_roles, version=version, details=details)
    if Need.OWNERSHIP in need:
        from responsibility.cli.sources.agreements import add_agreements

        add_agreements(view, reader.models, reader.records, details)
    return view


# What `kubectl apply` and most else takes for any other annotation.
_HOOK: Final = "helm.sh/hook"


@dataclass(slots=True)
class _Reader:
    """Sorts manifests into a view."""

    need: Need
    namespace: str | None
    view: ClusterView = field(init=False)
    roles: dict[RoleKey, Role] = field(default_factory=dict)
    bindings: dict[BindingKey, Binding] = field(default_factory=dict)
    deployments: dict[tuple[str, str], Deployment] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    generated: int = 0
    hooks: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    removed: dict[RemovedApi, Location] = field(default_factory=dict)
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
        if Need.TRACES in self.need:
            self._trace(raw, place)
        if not isinstance(kind, str) or not isinstance(version, str) or not kind or not version:
            missing = "kind" if not isinstance(kind, str) or not kind else "apiVersion"
            raise CliError(f"{place}: this object has no {missing}, as every Kubernetes object has")
        for api in removed_apis([(version, kind)]):
            self.removed.setdefault(api, place)
        handler = HANDLERS.get((version.rpartition("/")[0], kind))
        if handler is None:
            self.unknown[kind] += 1
            return
        metadata = self._metadata(handler, kind, raw, place)
        annotations = metadata.get("annotations")
        if version.startswith(api_groups.RBAC) and isinstance(annotations, dict):
            self.hooks += _HOOK in annotations
        whole = Manifest({**raw, "metadata": metadata}, place)
        try:
            handler.take(self, whole)
        except ValueError as error:
            raise CliError(f"{place}: {error}") from None

    def _trace(self, raw: Mapping[str, Any], place: Location) -> None:
        """Take in what is ours of an object, and how an operator is set up. Raises CliError."""
        from responsibility.cluster import switches
        from responsibility.cluster.leftovers import Traces, is_charted

        self.view.traces = self.view.traces or Traces()
        metadata = raw.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
            return
        kind = raw.get("kind")
        if kind in ("RoleBinding", "Deployment") and not metadata.get("namespace"):
            raw = {**raw, "metadata": {**metadata, "namespace": self.view.namespace}}
        try:
            self.view.traces.add(raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CliError(f"{place}: this {kind} can't be read: {error}") from None
        if kind == "Deployment" and is_charted(metadata):
            self.view.operators.append(switches.read(raw))

    def _metadata(
        self, handler: _Handler, kind: str, raw: Mapping[str, Any], place: Location
    ) -> dict[str, Any]:
        """Return the metadata as the API server would complete it."""
        written = raw.get("metadata")
        metadata = dict(written) if isinstance(written, dict) else {}
        name = metadata.get("name") or self._generated(handler, metadata)
        if not isinstance(name, str) or not name:
            raise CliError(f"{place}: this {kind} has no metadata.name")
        metadata["name"] = name
        if not handler.namespaced:
            # As the server does, which every chart with a stray `namespace:` relies on.
            metadata.pop("namespace", None)
            return metadata
        namespace = metadata.get("namespace") or self.namespace
        if not isinstance(namespace, str) or not namespace:
            raise CliError(
                f"{place}: {kind} {name} has no metadata.namespace: write it there, or say with "
                "-n which namespace such objects belong to"
            )
        metadata["namespace"] = namespace
        self.view.namespaces.setdefault(namespace, False)
        return metadata

    def _generated(self, handler: _Handler, metadata: Mapping[str, Any]) -> str:
        """Return a name for what the server makes one for; no object can be called that."""
        prefix = metadata.get("generateName")
        if not handler.generates or not isinstance(prefix, str) or not prefix:
            return ""
        self.generated += 1
        return f"{prefix}(generated {self.generated})"

    def put(self, into: dict[Any, Any], key: Any, value: Any, manifest: Manifest) -> None:  # noqa: ANN401 - of any kind
        """Put an object in; a later one takes the place of an earlier one, as when applied."""
        before = into.get(key)
        into[key] = value
        metadata, kind = manifest.raw["metadata"], str(manifest.raw["kind"])
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        first = self.view.places.get((kind, namespace, name))
        self.view.places[kind, namespace, name] = manifest.place
        if before is None or first is None:
            return
        called = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
        if isinstance(before, Binding) and before.role != value.role:
            raise CliError(
                f"{called} is there twice, for {before.role} and for {value.role}, and the API "
                f"server refuses to change a roleRef: {first}; and {manifest.place}"
            )
        if before != value:
            self.repeated.append(f"{called} ({first}; then {manifest.place})")

    def note_once(self, manifest: Manifest) -> None:
        """Note where something stands that must not be there twice. Raises CliError."""
        kind, name = str(manifest.raw["kind"]), manifest.raw["metadata"]["name"]
        first = self.view.places.setdefault((kind, "", name), manifest.place)
        if first is not manifest.place:
            raise CliError(f"{kind} {name} is there twice: {first}; and {manifest.place}")

    def tell_repeated(self, notes: Callable[[str], None]) -> None:
        """Say which objects had an earlier form, which no longer counts."""
        if self.repeated:
            notes(
                "there twice, so the later one counts, as when they are applied in this order: "
                f"{some(self.repeated, 1)}"
            )

    def tell_removed(self, notes: Callable[[str], None]) -> None:
        """Say which API versions Kubernetes has no more, or not for long."""
        told = [
            f"{a} (since {a.removed_in.release}; {self.removed[a]})" for a in sorted(self.removed)
        ]
        if told:
            notes(
                f"Kubernetes doesn't have {some(told, 3)}: what was deployed like that, Helm can't "
                "upgrade once the cluster is, so deploy it by newer API versions before"
            )


def _take_role(reader: _Reader, manifest: Manifest) -> None:
    role = parse_role(manifest.raw)
    _refused(manifest.raw)
    reader.put(reader.roles, role.key, role, manifest)


def _take_binding(reader: _Reader, manifest: Manifest) -> None:
    binding = parse_binding(manifest.raw)
    _refused(manifest.raw)
    reader.put(reader.bindings, binding.key, binding, manifest)


def _refused(raw: Mapping[str, Any]) -> None:
    """Raise ValueError for what would never be in a cluster, so that nobody counts on it."""
    why = next(refusals(raw), "")
    if why:
        metadata = raw["metadata"]
        name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
        raise ValueError(f"{raw['kind']} {name}: the API server refuses this: {why}")


def _take_namespace(reader: _Reader, manifest: Manifest) -> None:
    meta = manifest.raw["metadata"]
    reader.view.namespaces[meta["name"]] = bool(meta.get("deletionTimestamp"))
    reader.view.places["Namespace", "", meta["name"]] = manifest.place


def _take_deployment(reader: _Reader, manifest: Manifest) -> None:
    if Need.OWNERSHIP not in reader.need:
        return
    from responsibility.hub.discovery import parse_deployment

    raw = manifest.raw
    deployment = parse_deployment(raw, own_prefix=KEY_PREFIX)
    key = (raw["metadata"]["namespace"], raw["metadata"]["name"])
    if deployment is not None:
        reader.put(reader.deployments, key, deployment, manifest)
    else:
        reader.deployments.pop(key, None)


def _take_definition(reader: _Reader, manifest: Manifest) -> None:
    reader.view.types.define(manifest.raw)


def _take_model(reader: _Reader, manifest: Manifest) -> None:
    # Several field managers may each say a part of it.
    place = ("ResponsibilityModel", "", manifest.raw["metadata"]["name"])
    reader.view.places.setdefault(place, manifest.place)
    reader.models.append(manifest)


def _take_record(reader: _Reader, manifest: Manifest) -> None:
    # Two files for one hub's record are a slip, whichever of them would win.
    reader.note_once(manifest)
    reader.records.append(manifest)


def _take_nothing(_: _Reader, __: Manifest) -> None:
    # Known and checked like the others; whether an account exists, files can't say.
    pass


@dataclass(frozen=True, slots=True)
class _Handler:
    take: Callable[[_Reader, Manifest], None]
    namespaced: bool = False
    generates: bool = False


# By API group and kind, whatever the version: what has a part in this.
HANDLERS: Mapping[tuple[str, str], _Handler] = {
    (api_groups.RBAC, "Role"): _Handler(_take_role, namespaced=True, generates=True),
    (api_groups.RBAC, "ClusterRole"): _Handler(_take_role, generates=True),
    (api_groups.RBAC, "RoleBinding"): _Handler(_take_binding, namespaced=True, generates=True),
    (api_groups.RBAC, "ClusterRoleBinding"): _Handler(_take_binding, generates=True),
    ("", "Namespace"): _Handler(_take_namespace, generates=True),
    ("", "ServiceAccount"): _Handler(_take_nothing, namespaced=True, generates=True),
    (api_groups.APPS, "Deployment"): _Handler(_take_deployment, namespaced=True, generates=True),
    (api_groups.API_EXTENSIONS, "CustomResourceDefinition"): _Handler(_take_definition),
    (API_GROUP, "ResponsibilityModel"): _Handler(_take_model),
    (API_GROUP, "Responsibility"): _Handler(_take_record),
}


def complete(
    view: ClusterView,
    *,
    assume_roles: bool,
    version: str = "",
    details: Callable[[str], None] = lambda _: None,
) -> None:
    """Make of the files' RBAC what a cluster would: aggregates filled, Kubernetes' own there.

    On what a cluster has, only the aggregates may have changed.
    """
    if assume_roles:
        _assume(view, version, details)
    made = aggregate(view.roles)
    view.roles = made.roles
    view.partly = made.depending_on(view.assumed) - view.assumed


def _assume(view: ClusterView, version: str, details: Callable[[str], None]) -> None:
    """Add what Kubernetes makes by itself; where the files have it, theirs counts."""
    chosen = version or default_roles.newest()
    own = default_roles.of(chosen)
    there = {role.key for role in view.roles}
    added = [role for role in own.roles if role.key not in there]
    bound = {binding.role for binding in view.bindings}
    counted_on = [role.key for role in added if role.key in bound]
    if counted_on:
        clusterwide = [key.name for key in counted_on if not key.namespace]
        names = [*(f"ClusterRole {', '.join(clusterwide)}" for _ in clusterwide[:1])]
        names += [str(key) for key in counted_on if key.namespace]
        other = not version and any(map(default_roles.varies, counted_on))
        details(
            f"not in the files, so taken as Kubernetes {chosen} makes them: {', '.join(names)} ("
            + "--kubernetes-version takes those of another, " * other
            + "--no-default-roles leaves them unknown)"
        )
    view.roles.extend(added)
    view.assumed |= {role.key for role in added}
    view.extensible = own.open
    written = {binding.key for binding in view.bindings}
    view.bindings.extend(b for b in own.bindings if b.key not in written)
    view.control_plane = [b for b in own.control_plane if b.key not in written]
