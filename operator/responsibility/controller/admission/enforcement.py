"""Enforcement of what records ask of admission: stages, Namespaces, markers of dates, proofs.

What is decided is pure (``admission/stages/namespace_stages.py``); here it is gathered, written
and proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from responsibility.admission.stages.cluster_stages import ClusterPlan
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.stages.namespace_stages import StagePlan, only_down, plan, stages_of
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import (
    NAMESPACE_KEYS_POLICY,
    OPERATOR,
    RECORD_OWNERS_POLICY,
    STATIC_SUFFIX,
    binding_name,
    policy_name,
)
from responsibility.api.stages import AdmissionStage
from responsibility.cluster.custom_resources import CustomResource
from responsibility.cluster.knowledge import SILENT
from responsibility.cluster.store import Store
from responsibility.controller.admission.cluster_policies import ClusterPolicies
from responsibility.controller.admission.enforcement_status import EnforcementStatus
from responsibility.controller.admission.markers import Markers
from responsibility.controller.admission.namespaces import Namespaces
from responsibility.controller.admission.policies import Policies
from responsibility.controller.admission.prober import Prober, ProbeTarget
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.grant_status import GrantReport
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import Writer
from responsibility.controller.worker import Pass, Worker
from responsibility.kube.client import Api
from responsibility.kube.reflector import Reflector
from responsibility.ownership.cache import PassCache
from responsibility.ownership.claims import HUB_CLAIMED
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.findings import HOLLOW as HOLLOW_ENFORCEMENT
from responsibility.ownership.terms.agreement import Agreement
from responsibility.rbac.identity import service_account_user, user_and_groups


class EnforcementLoop(Worker):
    """Keeps Namespaces and markers as records ask, and knows what is really in force.

    Switched off, it only takes away what it finds of ours.
    """

    def __init__(
        self, api: Api, store: Store, writer: Writer, metrics: Metrics, settings: Settings
    ) -> None:
        self._store = store
        self._enabled = settings.enforcement
        self._own_namespace = settings.namespace
        self._limit = settings.enforcement_limit
        # Whether it writes the tables of what the cluster has only one of.
        self._tables = settings.enforcement and settings.enforcement_cluster
        # Files of the API server are not to be seen through it; trials prove those alone.
        self._watched = settings.enforcement and not settings.static_policies
        self._static = settings.enforcement and settings.static_policies
        # The items of which trials have shown that their policy is such a file.
        self._static_items: frozenset[str] = frozenset()

        def account() -> str:
            if store.operator is not None:
                return user_and_groups(store.operator)[0]
            return service_account_user(settings.namespace, OPERATOR)

        self._policies = Policies(
            api,
            self._on_policies,
            namespace=settings.namespace,
            account=account,
            relist=settings.relist_seconds,
        )
        self._namespaces = Namespaces(writer)
        self._markers = Markers(
            api, store, writer, namespace=settings.namespace, relist=settings.relist_seconds
        )
        self._prober = Prober(api, metrics, store.touch)
        self._cluster = ClusterPolicies(
            self._policies, self._prober, writer, namespace=settings.namespace
        )
        # By record: its UID, and the stages given to its items until now.
        self._granted: dict[str, tuple[str, dict[str, AdmissionStage]]] = {}
        self._outcomes: dict[str, EnforcementStatus] = {}
        self._cache = PassCache()
        # The Namespaces that stay as they are, since their records can't be read or followed.
        self.kept: frozenset[str] = frozenset()

    @property
    def policies(self) -> Policies:
        """The policies that live in the cluster."""
        return self._policies

    def ends(self, namespace: str) -> bool:
        """Return whether what a Namespace says in excess is taken away, as far as is known."""
        return namespace not in self.kept and not self._namespaces.trouble(namespace)

    @property
    def reflectors(self) -> tuple[Reflector[Any, Any], ...]:
        """The copies that only enforcement needs."""
        return (*self._policies.reflectors, self._markers.reflector) if self._enabled else ()

    def heard(self) -> tuple[float, float, str]:
        """Return the age of the last proof, its bound (both in seconds), and what fails."""
        return self._prober.heard.age() if self._enabled else (0.0, SILENT, "")

    def retry_refused(self) -> None:
        """Try again with the next assessment what was refused: our rights have changed."""
        self._namespaces.retry_refused()
        self._cluster.retry_refused()
        self._prober.again()

    async def run(self) -> None:
        """Prove what is in force until cancelled."""
        if self._enabled:
            await self._prober.run()

    async def enforce(self, found: Pass) -> bool:
        """Write what differs; return False if something failed that is worth trying again."""
        moment, assessment = found.moment, found.assessment
        troubles = {
            name: self._policies.troubles(model, watched=self._watched)
            for name, model in _models(found).items()
        }
        spaces = moment.namespaces
        decided = self._decide(found, troubles)
        # Markers first: a Namespace must not name a date that nothing keeps.
        cluster = self._cluster.plan(
            found, self._cache, enabled=self._enabled, written=self._tables, limit=self._limit
        )
        self.kept = decided.untouched
        marked = await self._mark(decided, cluster, found) if self._enabled else True
        written = await self._namespaces.write(decided, spaces)
        for name, stages in decided.stages.items():
            uid, before = self._granted[name]
            stage_of = {s.item: s.stage for s in stages}
            # The very same while nothing changes, so that what follows from it need not be redone.
            self._granted[name] = (uid, before if before == stage_of else stage_of)
        if self._tables:
            written = await self._cluster.write(cluster, moment.models) and written
        self._prober.want({**self._targets(), **self._cluster.targets})
        if self._enabled:
            self._know_policies()
        self._outcomes = {
            name: self._outcome(name, decided, assessment, troubles) for name in decided.stages
        }
        return marked and written

    async def lower(self, found: Pass) -> None:
        """Lower stages, and let more people pass, where records say so; nothing goes up.

        This is for while not everything is known: RBAC plays no part in what records ask for.
        """
        # Whether policies can be relied on isn't known, and no reason to lift anything.
        fine = {
            name: dict.fromkeys(self._policies.items(model), "")
            for name, model in _models(found).items()
        }
        spaces = found.moment.namespaces
        decided = self._decide(found, fine)
        if self._enabled:
            present = {name: space.keys for name, space in spaces.items()}
            decided = only_down(decided, found.assessment, present, limit=self._limit)
            if self._markers.reflector.synced.is_set():
                await self._mark(decided, {}, found)
        await self._namespaces.write(decided, spaces)

    def _decide(self, found: Pass, troubles: Mapping[str, Mapping[str, str]]) -> StagePlan:
        moment, models = found.moment, _models(found)
        records = tuple(moment.records.values())
        self._remember(records)
        return plan(
            found.assessment,
            policies=troubles,
            reads={name: self._policies.reads(model) for name, model in models.items()},
            granted={name: stages for name, (_, stages) in self._granted.items()},
            present={name: space.keys for name, space in moment.namespaces.items()},
            unrendered=self._policies.unrendered(),
            unreadable=_unreadable(found.assessment, records),
            enabled=self._enabled,
            limit=self._limit,
            own_namespace=self._own_namespace,
            managed=_managed(found),
            cache=self._cache,
        )

    def cluster_outcome(self, model: str) -> EnforcementStatus:
        """Return what came of it for what the cluster has only one of."""
        return self._cluster.outcome(model)

    def outcomes(
        self,
        assessment: Assessment,
        grants: GrantReport,
        revocable: Callable[[Agreement], frozenset[str]],
    ) -> dict[str, EnforcementStatus]:
        """Return by record what came of all that it asks for."""
        agreements = {name: assessment.hubs[name].agreement for name in self._outcomes}
        return {
            name: replace(
                outcome,
                granted=grants.of_record(agreements[name]),
                revoking=revocable(agreements[name]),
            )
            for name, outcome in self._outcomes.items()
        }

    def _on_policies(self) -> None:
        if self._enabled:
            self._know_policies()
            self._prober.again()
        self._store.touch()

    def _know_policies(self) -> None:
        """Tell the store which policies are in force; who could end them depends on it."""
        names = self._policies.in_force() | self._static_names()
        if names != self._store.policies:
            self._store.policies = names
            self._store.touch()

    def _static_names(self) -> frozenset[str]:
        """Return the names of policies that the API server reads from files.

        Only trials show them. All come from one rendering, so an item's stands for those that
        protect records and Namespaces, too, which nothing can be tried of.
        """
        if not self._static:
            return frozenset()
        tried = {
            item: self._prober.proof((namespace, item), target.stage).ok
            for (namespace, item), target in self._targets().items()
        }
        # What is just being tried again is as it was.
        failed = {item for item, ok in tried.items() if ok is False}
        proved = {item for item, ok in tried.items() if ok}
        self._static_items = (self._static_items - failed) | proved
        if not self._static_items:
            return frozenset()
        names = {policy_name(item) for item in self._static_items}
        return frozenset(
            name + STATIC_SUFFIX for name in {*names, RECORD_OWNERS_POLICY, NAMESPACE_KEYS_POLICY}
        )

    def _remember(self, records: Iterable[CustomResource[Any]]) -> None:
        """Keep what was given to records that are there; learn it from their status at first."""
        known, self._granted = self._granted, {}
        for resource in records:
            before = known.get(resource.name)
            if before is not None and before[0] == resource.uid:
                self._granted[resource.name] = before
            else:
                items = resource.status.get("items") or ()
                stages = stages_of(items)
                self._granted[resource.name] = (resource.uid, stages)

    async def _mark(
        self, decided: StagePlan, cluster: Mapping[str, ClusterPlan], found: Pass
    ) -> bool:
        spaces = found.moment.namespaces
        untouched = [spaces[name].keys for name in decided.untouched if name in spaces]
        needed = {m for keys in (*decided.namespaces.values(), *untouched) for m in keys.markers()}
        needed |= {m for plan_ in cluster.values() for m in plan_.markers()}
        return await self._markers.keep(needed, found.assessment.now)

    def _targets(self) -> dict[tuple[str, str], ProbeTarget]:
        """Return what Namespaces say is in force, as far as our models have a policy for it."""
        if not self._enabled:
            return {}
        probes = {
            name: item.probe
            for resource in self._store.models.items.values()
            if resource.value is not None
            for name, item in self._policies.items(resource.value).items()
        }
        return {
            (space.name, item): ProbeTarget(
                stage, probes[item], space.uid, binding_name(item, stage)
            )
            for space in self._store.namespaces.items.values()
            if space.keys and not space.deleting
            for item, stage in space.keys.stages().items()
            if item in probes
        }

    def _outcome(
        self,
        record: str,
        decided: StagePlan,
        assessment: Assessment,
        troubles: Mapping[str, Mapping[str, str]],
    ) -> EnforcementStatus:
        hub = assessment.hubs[record]
        agreement = hub.agreement
        namespace, stages = agreement.hub.namespace, decided.stages[record]
        in_force = [s for s in stages if s.stage is not AdmissionStage.OBSERVE]
        unreliable = troubles.get(agreement.terms.name) or {s.item: s.message for s in stages}
        trouble = self._namespaces.trouble(namespace)
        wanted: NamespaceKeys | None = decided.namespaces.get(namespace)
        if wanted is not None and wanted.markers() and not trouble:
            trouble = self._markers.trouble
        if trouble:
            trouble = f"what is asked for could not be put in force: {trouble}"
        return EnforcementStatus(
            stages=stages,
            proofs={s.item: self._prober.proof((namespace, s.item), s.stage) for s in in_force},
            unreliable={s.item: unreliable[s.item] for s in in_force if unreliable.get(s.item)},
            trouble=trouble,
            renamed=decided.renamed.get(record, ""),
            hollow={
                finding.item: f"{wording.message(finding)}. {wording.remedy(finding)}"
                for finding in hub.findings
                if finding.kind == HOLLOW_ENFORCEMENT
            },
        )


def _managed(found: Pass) -> set[str]:
    """Return the Namespaces in which people let the operator write."""
    return {name for name, space in found.moment.namespaces.items() if space.managed}


def _models(found: Pass) -> dict[str, ResponsibilityModel]:
    """Return the models that can be read, by name."""
    return {
        name: resource.value
        for name, resource in found.moment.models.items()
        if resource.value is not None
    }


def _unreadable(assessment: Assessment, records: Iterable[CustomResource[Any]]) -> set[str]:
    """Return the namespaces of records that cannot be read or followed at the moment."""
    found = set()
    for resource in records:
        refused = assessment.refused_records.get(resource.name)
        if refused is None or refused.reason == HUB_CLAIMED:
            continue
        if resource.value is not None:
            found.add(resource.value.spec.hub.namespace)
        else:
            found.add(str(resource.status.get("hub") or "").partition("/")[0])
    return found - {""}
