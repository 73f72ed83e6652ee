"""The two policies of what the cluster has only one of: their owners are written into them.

They are installed by the chart. The operator changes five of their variables, which are the
tables of who may do what and a name for their state, and nothing else of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from responsibility import api_groups
from responsibility.admission.policies.cluster_policies import (
    TABLES,
    VERSION,
    ClusterEnforcement,
    cluster_policies,
    clustered,
)
from responsibility.admission.policies.manifests import API_VERSION, POLICY, Manifest
from responsibility.admission.policies.rendered import differences
from responsibility.admission.stages.cluster_stages import ClusterPlan, cluster_plan
from responsibility.admission.stages.namespace_stages import stages_of
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import CLUSTER_DENY_POLICY, CLUSTER_WARN_POLICY
from responsibility.api.stages import AdmissionStage
from responsibility.cluster.custom_resources import CustomResource
from responsibility.controller.admission.enforcement_status import NOTHING, EnforcementStatus
from responsibility.controller.admission.namespaces import PATIENCE
from responsibility.controller.admission.policies import Policies, probe_text
from responsibility.controller.admission.prober import Prober, ProbeTarget
from responsibility.controller.process.logs import about
from responsibility.controller.reporting.writer import PASSING, Writer
from responsibility.controller.worker import Pass
from responsibility.kube import errors
from responsibility.ownership.cache import PassCache

logger = logging.getLogger(__name__)

_PATH = f"/apis/{api_groups.ADMISSION_REGISTRATION}/v1/validatingadmissionpolicies"
_NAMES = {
    AdmissionStage.WARN: CLUSTER_WARN_POLICY,
    AdmissionStage.DENY: CLUSTER_DENY_POLICY,
}


class ClusterPolicies:
    """A keeper of the tables of the two policies, as the records of a model ask."""

    def __init__(
        self, policies: Policies, prober: Prober, writer: Writer, *, namespace: str
    ) -> None:
        self._policies = policies
        self._prober = prober
        self._writer = writer
        self._namespace = namespace
        self._granted: dict[str, tuple[str, dict[str, AdmissionStage]]] = {}
        self._rendered: dict[str, tuple[ResponsibilityModel, list[Manifest], list[str]]] = {}
        self._tables: dict[
            str, tuple[ResponsibilityModel, Mapping[str, ClusterEnforcement], list[Manifest]]
        ] = {}
        self._refused: tuple[object, str, float] | None = None
        self._outcomes: dict[str, EnforcementStatus] = {}
        self._targets: dict[tuple[str, str], ProbeTarget] = {}

    @property
    def targets(self) -> Mapping[tuple[str, str], ProbeTarget]:
        """What is to be proved."""
        return self._targets

    def outcome(self, model: str) -> EnforcementStatus:
        """Return what came of it for a model."""
        return self._outcomes.get(model, NOTHING)

    def plan(
        self,
        found: Pass,
        cache: PassCache,
        *,
        enabled: bool,
        written: bool,
        limit: AdmissionStage,
    ) -> dict[str, ClusterPlan]:
        """Return by model what should be in force."""
        plans = {}
        assessment = found.assessment
        for name, cluster in assessment.clusters.items():
            resource = found.moment.models.get(name)
            if resource is None or resource.value is None:
                continue
            _, shipped, items = self._shipped(resource.value)
            known = self._granted.get(name)
            if known is None or known[0] != resource.uid:
                published = resource.status.get("items") or ()
                stages = stages_of(published)
                known = (resource.uid, stages)
            plans[name] = cluster_plan(
                assessment,
                cluster,
                items,
                trouble=self._trouble(shipped) if enabled and written else "",
                granted=known[1],
                enabled=enabled,
                written=written,
                limit=limit,
                cache=cache,
            )
            self._granted[name] = (resource.uid, {s.item: s.stage for s in plans[name].stages})
        return plans

    async def write(
        self,
        plans: Mapping[str, ClusterPlan],
        models: Mapping[str, CustomResource[ResponsibilityModel]],
    ) -> bool:
        """Write the tables that differ; return False if that is worth trying again soon."""
        self._outcomes, self._targets = {}, {}
        done = True
        for name, plan in plans.items():
            resource = models.get(name)
            if resource is None or resource.value is None:
                continue
            shipped = self._shipped(resource.value)[1]
            if not shipped:
                continue
            trouble = self._trouble(shipped)
            refused = ""
            if not trouble:
                done, refused = await self._write(resource.value, plan.table or {})
            tables = {
                m["metadata"]["name"]: _tables(m)
                for m in self._filled(resource.value, plan.table or {})
                if m["kind"] == POLICY
            }
            # What a policy says of itself is what it was shipped with; its tables are added.
            probe_texts = {
                m["metadata"]["name"]: probe_text([m]) for m in shipped if m["kind"] == POLICY
            }
            self._aim(plan, probe_texts, tables)
            self._tell(name, plan, trouble, refused)
        return done

    def retry_refused(self) -> None:
        """Let what was refused be tried again at once."""
        if self._refused is not None:
            self._refused = (*self._refused[:2], 0.0)

    def _aim(
        self,
        plan: ClusterPlan,
        probe_texts: Mapping[str, str],
        tables: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Set what is to be proved: that the tables in force are those that are wanted."""
        for stage in {s.stage for s in plan.stages} - {AdmissionStage.OBSERVE}:
            name = _NAMES[stage]
            version = tables[name][VERSION].strip('"')
            self._targets[self._namespace, f"cluster-{stage}"] = ProbeTarget(
                stage, f"{probe_texts[name]} {version}", version, name
            )

    def _tell(self, name: str, plan: ClusterPlan, trouble: str, refused: str) -> None:
        in_force = [s for s in plan.stages if s.stage is not AdmissionStage.OBSERVE]
        self._outcomes[name] = EnforcementStatus(
            stages=plan.stages,
            proofs={
                s.item: self._prober.proof((self._namespace, f"cluster-{s.stage}"), s.stage)
                for s in in_force
            },
            unreliable={s.item: trouble for s in in_force} if trouble else {},
            trouble=refused,
        )

    async def _write(
        self, model: ResponsibilityModel, table: Mapping[str, ClusterEnforcement]
    ) -> tuple[bool, str]:
        """Return whether all was written that can be, and why the rest was not."""
        live = self._policies.live()
        wanted = self._filled(model, table)
        bodies = []
        for manifest in wanted:
            there = live.get((POLICY, manifest["metadata"]["name"]))
            if manifest["kind"] == POLICY and there is not None:
                tables = _tables(manifest)
                if _tables(there) != tables:
                    bodies.append((manifest["metadata"]["name"], there["metadata"]["uid"], tables))
        now = asyncio.get_running_loop().time()
        if self._refused is not None and self._refused[0] == bodies and now < self._refused[2]:
            return True, self._refused[1]
        self._refused = None
        try:
            for name, uid, tables in bodies:
                await self._writer.apply("policies", f"{_PATH}/{name}", _body(name, uid, tables))
        except PASSING:
            return False, ""
        except errors.ApiError as error:
            why = f"the policies of the cluster could not be written: {error.message or error}"
            self._refused = (bodies, why, now + PATIENCE)
            return True, why
        return True, ""

    def _filled(
        self, model: ResponsibilityModel, table: Mapping[str, ClusterEnforcement]
    ) -> list[Manifest]:
        known = self._tables.get(model.name)
        if known is None or known[0] is not model or known[1] != table:
            known = (model, table, self._policies.fill(cluster_policies(model, table)))
            self._tables[model.name] = known
        return known[2]

    def _shipped(
        self, model: ResponsibilityModel
    ) -> tuple[ResponsibilityModel, list[Manifest], list[str]]:
        known = self._rendered.get(model.name)
        if known is None or known[0] is not model:
            try:
                manifests = self._policies.fill(cluster_policies(model, {}))
                known = (model, manifests, clustered(model))
            except ValueError as error:
                # Such as a break-glass subject that no list can hold.
                logger.warning(
                    "model %s: no policies of the cluster: %s",
                    model.name,
                    error,
                    extra=about(kind=ResponsibilityModel.__name__),
                )
                known = (model, [], [])
            self._rendered[model.name] = known
        return known

    def _trouble(self, shipped: list[Manifest]) -> str:
        live = [_bare(m) for m in self._policies.live().values()]
        differing = differences(live, [_bare(m) for m in shipped])
        return f"not as this model renders it: {differing[0]}" if differing else ""


def _tables(manifest: Manifest) -> dict[str, str]:
    found = manifest["spec"].get("variables") or ()
    return {v["name"]: v["expression"] for v in found if v["name"] in TABLES}


def _bare(manifest: Manifest) -> Manifest:
    """Return a policy without what is ours to write."""
    variables = manifest["spec"].get("variables")
    if not variables:
        return manifest
    bare = [{**v, "expression": ""} if v["name"] in TABLES else v for v in variables]
    return {**manifest, "spec": {**manifest["spec"], "variables": bare}}


def _body(name: str, uid: str, tables: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": POLICY,
        "metadata": {"name": name, "uid": uid},
        "spec": {"variables": [{"name": n, "expression": tables[n]} for n in TABLES]},
    }
