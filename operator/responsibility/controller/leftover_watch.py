"""Leftovers as the operator sees them: what nobody expects, and what it can't or won't end itself.

It is looked up in every mode. Labels, annotations and grants that it takes away itself are told of
only where that was refused, so that nothing is told for the moment which that takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from responsibility.api.names import is_our_key
from responsibility.api.stages import AdmissionStage
from responsibility.cluster.leftovers import (
    Leftover,
    LeftoverKind,
    Traces,
    by_item,
    leftovers,
)
from responsibility.cluster.switches import Switches
from responsibility.controller.admission.enforcement import EnforcementLoop
from responsibility.controller.grants.granter import Granter
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.conditions import LEFTOVERS, ConditionDraft
from responsibility.controller.worker import Pass
from responsibility.kube.reflector import Reflector
from responsibility.phrases import some

_MOST_TOLD = 3
_REMEDY = "`kubectl responsibility leftovers` lists all, and says how they end"


@dataclass(frozen=True, slots=True)
class LeftoverReport:
    """The leftovers of a pass, for those who publish them."""

    found: tuple[Leftover, ...] = ()

    def claim(self, namespace: str | None = None) -> ConditionDraft | None:
        """Return what a record says of its Namespace, or a model of all; None without any."""
        about = [each for each in self.found if namespace in (None, each.namespace)]
        if not about:
            return None
        told = sorted(about, key=lambda each: (not each.in_force, each.sort_key))
        lines = [f"{each} ({each.why})" for each in told]
        reason = "InForce" if told[0].in_force else "NotInForce"
        what = "in force" if told[0].in_force else "there"
        text = some(lines, _MOST_TOLD, between="; ", last="; and ")
        return ConditionDraft(
            LEFTOVERS, True, reason, f"{what}, though nobody expects it: {text}. {_REMEDY}"
        )

    def stages(self, namespace: str) -> Mapping[str, AdmissionStage]:
        """Return the stages that are in force in a namespace unexpectedly, by item."""
        return by_item(self.found, namespace)

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return how many there are, by kind and whether they are in force."""
        counted = Counter((each.kind.value, str(each.in_force).lower()) for each in self.found)
        kinds = {(kind.value, word) for kind in LeftoverKind for word in ("true", "false")}
        return {key: counted[key] for key in sorted(kinds)}


class LeftoverWatch:
    """Looks at each pass for what nobody expects."""

    def __init__(self, enforcement: EnforcementLoop, granter: Granter, settings: Settings) -> None:
        self._enforcement = enforcement
        self._granter = granter
        self._own_policies = not settings.enforcement
        self._switches = Switches(
            policies=settings.policies,
            webhooks=True,
            enforcement=settings.enforcement,
            enforcement_cluster=settings.enforcement and settings.enforcement_cluster,
            limit=settings.enforcement_limit,
            grants=settings.grants,
            grants_cluster=settings.grants_cluster,
            annotate=settings.annotate,
        )

    @property
    def reflectors(self) -> tuple[Reflector[Any, Any], ...]:
        """The copies that only this needs; nothing else waits for them."""
        return self._enforcement.policies.reflectors if self._own_policies else ()

    def look(
        self, found: Pass, *, unannotated: Collection[tuple[str, str]]
    ) -> LeftoverReport | None:
        """Return what is left after a pass was acted upon; None while policies aren't listed.

        ``unannotated`` are the Deployments of which the API server refused a write.
        """
        policies = self._enforcement.policies
        if not all(reflector.synced.is_set() for reflector in policies.reflectors):
            return None
        moment = found.moment
        traces = Traces(
            namespaces={
                name: space.keys
                for name, space in moment.namespaces.items()
                if space.keys and not space.deleting
            },
            grants=[each for each in moment.grants if each.ours and each.to_item],
            annotated={
                key: ours
                for key, deployment in moment.deployments.items()
                if (ours := tuple(sorted(filter(is_our_key, deployment.annotations))))
            },
        )
        for manifest in policies.live().values():
            traces.add_policy(manifest)
        kept = self._enforcement.kept if self._switches.enforcement else ()
        every = leftovers(traces, self._switches, found.assessment, kept=kept)
        return LeftoverReport(tuple(self._stays(every, unannotated)))

    def _stays(
        self, found: Iterable[Leftover], unannotated: Collection[tuple[str, str]]
    ) -> Iterable[Leftover]:
        """Yield the leftovers that the operator can't or won't end by itself."""
        failed = self._granter.failed()
        for each in found:
            if each.kind in (LeftoverKind.STAGE, LeftoverKind.KEYS):
                if not self._enforcement.ends(each.name):
                    yield each
            elif each.kind is LeftoverKind.GRANT:
                if not self._switches.grants or (each.namespace, each.name) in failed:
                    yield each
            elif each.kind is LeftoverKind.ANNOTATION:
                if not self._switches.annotate or (each.namespace, each.name) in unannotated:
                    yield each
            else:
                yield each
