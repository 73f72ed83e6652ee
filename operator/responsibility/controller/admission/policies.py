"""The admission policies that live in the cluster, held against those that a model renders.

They are watched, so that one that is edited or deleted shows within a second. That a policy is
there does not prove that it is in force; that is what the prober is for.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility import api_groups
from responsibility.admission.policies.guards import Guards
from responsibility.admission.policies.manifests import BINDING, POLICY, Manifest
from responsibility.admission.policies.rendered import differences, installed, item_policies
from responsibility.admission.stages.namespace_keys import Reads
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import NAME_PREFIX, break_glass_name, policy_name
from responsibility.controller.process.logs import about
from responsibility.kube.client import Api
from responsibility.kube.reflector import Reflector

logger = logging.getLogger(__name__)

_ROOT = f"/apis/{api_groups.ADMISSION_REGISTRATION}/v1"
_REMEDY = (
    "; upgrade the chart, or apply what `kubectl responsibility render policies` writes for this "
    "model"
)


@dataclass(frozen=True, slots=True)
class ItemPolicies:
    """The policies of one item, and the text by which its policy is recognised.

    ``reads`` are the other items whose owners it lets through.
    """

    manifests: tuple[Manifest, ...]
    probe: str
    reads: frozenset[str]


class Policies:
    """Copies of our policies and bindings, and how they differ from what models render."""

    def __init__(
        self,
        api: Api,
        on_change: Callable[[], None],
        *,
        namespace: str,
        account: Callable[[], str],
        relist: float,
    ) -> None:
        self._namespace = namespace
        self._account = account
        self._found: dict[str, dict[str, str]] = {}
        self._unrendered: dict[str, str] = {}
        # By model, what it renders, for whom.
        self._rendered: dict[str, tuple[ResponsibilityModel, str, dict[str, ItemPolicies]]] = {}
        self._reads: dict[str, Reads] = {}
        self.reflectors: tuple[Reflector[tuple[str, str], Manifest], ...] = tuple(
            Reflector(
                api,
                f"{_ROOT}/{plural}",
                _reader(kind),
                lambda _: on_change(),
                relist=relist,
            )
            for kind, plural in (
                (POLICY, "validatingadmissionpolicies"),
                (BINDING, "validatingadmissionpolicybindings"),
            )
        )

    def in_force(self) -> frozenset[str]:
        """Return the names of the policies that are there and bound, as far as is known."""
        policies, bindings = (reflector.items for reflector in self.reflectors)
        bound = {manifest["spec"].get("policyName") for manifest in bindings.values()}
        return frozenset(name for _, name in policies if name in bound)

    def unrendered(self) -> dict[str, str]:
        """Return the models of which no policies can be made, and why."""
        return dict(self._unrendered)

    def live(self) -> dict[tuple[str, str], Manifest]:
        """Return our policies and bindings as they are in the cluster, by kind and name."""
        return {key: m for reflector in self.reflectors for key, m in reflector.items.items()}

    def fill(self, manifests: Iterable[Manifest]) -> list[Manifest]:
        """Return manifests for where the operator runs."""
        return installed(manifests, namespace=self._namespace, account=self._account())

    def items(self, model: ResponsibilityModel) -> Mapping[str, ItemPolicies]:
        """Return what can be enforced of a model, by item."""
        known, account = self._rendered.get(model.name), self._account()
        if known is None or known[0] is not model or known[1] != account:
            known = (model, account, self._render(model))
            self._rendered[model.name] = known
            # The very same until then, so that what follows from it need not be redone.
            self._reads.pop(model.name, None)
        return known[2]

    def reads(self, model: ResponsibilityModel) -> Reads:
        """Return of each item that can be enforced the other items whose lists it reads."""
        items = self.items(model)
        return self._reads.setdefault(model.name, {n: item.reads for n, item in items.items()})

    def troubles(self, model: ResponsibilityModel, *, watched: bool) -> dict[str, str]:
        """Return for each item that can be enforced why not to rely on it now; empty if fine."""
        items = self.items(model)
        if not watched:
            return dict.fromkeys(items, "")
        if not all(reflector.synced.is_set() for reflector in self.reflectors):
            return dict.fromkeys(items, "the cluster's admission policies have not been listed")
        live = self.live()
        found = {name: _trouble(model.name, item, live) for name, item in items.items()}
        # The very same while nothing changes, so that what follows from it need not be redone.
        if self._found.get(model.name) != found:
            self._found[model.name] = found
        return self._found[model.name]

    def _render(self, model: ResponsibilityModel) -> dict[str, ItemPolicies]:
        try:
            manifests = self.fill(item_policies(model))
        except ValueError as error:
            logger.warning(
                "model %s: no policies can be rendered: %s",
                model.name,
                error,
                extra=about(kind=ResponsibilityModel.__name__),
            )
            self._unrendered[model.name] = str(error)
            return {}
        self._unrendered.pop(model.name, None)
        named: dict[str, list[Manifest]] = defaultdict(list)
        for manifest in manifests:
            named[_policy_of(manifest)].append(manifest)
        found = {}
        for guards in Guards.of(model).items():
            name = guards.item.name
            of_item = [
                *named[policy_name(name)],
                *named[break_glass_name(name)],
            ]
            found[name] = ItemPolicies(tuple(of_item), probe_text(of_item), guards.others)
        return found


def _policy_of(manifest: Manifest) -> str:
    """Return the name of the policy that a manifest is, or binds."""
    bound = manifest["spec"].get("policyName")
    return str(bound if bound is not None else manifest["metadata"]["name"])


def probe_text(manifests: Iterable[Manifest]) -> str:
    """Return what a policy says to a trial: the first of its validations is about nothing else."""
    policy = next(m for m in manifests if m["kind"] == POLICY)
    return str(policy["spec"]["validations"][0]["message"])


def _trouble(model: str, item: ItemPolicies, live: Mapping[tuple[str, str], Manifest]) -> str:
    wanted = item.manifests
    there = [live[key] for m in wanted if (key := (m["kind"], m["metadata"]["name"])) in live]
    differing = differences(there, wanted)
    if not differing:
        return ""
    more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
    return f"not as model {model} renders it: {differing[0]}{more}{_REMEDY}"


def _reader(kind: str) -> Callable[[dict[str, Any]], tuple[tuple[str, str], Manifest] | None]:
    def read(raw: dict[str, Any]) -> tuple[tuple[str, str], Manifest] | None:
        name = raw["metadata"]["name"]
        if not name.startswith(NAME_PREFIX) or raw["metadata"].get("deletionTimestamp"):
            return None
        # Items of a list do not say their kind.
        spec = raw.get("spec") or {}
        labels = raw["metadata"].get("labels") or {}
        return (kind, name), {
            "kind": kind,
            "metadata": {"name": name, "labels": labels, "uid": raw["metadata"].get("uid", "")},
            "spec": spec,
        }

    return read
