"""Bindings that the operator grants by, kept as the agreements want them.

It looks at everything with each assessment, and acts beside the loop, so that a slow server never
holds up what is reported.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from responsibility.api.names import ITEM_ROLE_PREFIX
from responsibility.cluster.moment import Moment
from responsibility.cluster.store import Store
from responsibility.controller.grants.writer import GrantWriter
from responsibility.controller.reporting.grant_status import GrantReport, report
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import Writer
from responsibility.controller.worker import Pass, Worker
from responsibility.grants.binding import MODEL, RECORD, DesiredBinding, Owner
from responsibility.grants.desired import (
    GrantContext,
    Grants,
    GrantTrouble,
    Roles,
    hub_grants,
    model_grants,
)
from responsibility.grants.diff import GrantChange, GrantDiff, difference
from responsibility.kube.backoff import is_set_within
from responsibility.kube.client import Api
from responsibility.ownership.claims import HUB_CLAIMED
from responsibility.ownership.results.assessment import Assessment, HubAssessment
from responsibility.rbac.objects import Role, RoleKey

# Seconds between two looks at whether all is done.
_POLL = 0.02
# Seconds that a look waits for grants: after each that was written, and at most.
_HEADWAY = 2.0
_LONGEST = 30.0
# A record that is refused for this has lost its say; any other is merely not understood.
_NO_SAY = HUB_CLAIMED


@dataclass(frozen=True, slots=True)
class _Known:
    """What follows from a record, and what it was made from."""

    hub: HubAssessment
    uid: str
    roles: Roles
    trouble: GrantTrouble | None
    grants: Grants

    def is_of(self, hub: HubAssessment, uid: str, roles: Roles, found: GrantTrouble | None) -> bool:
        """Return whether it would be the same, known by identity: comparing takes longer."""
        same = self.hub is hub and self.uid == uid and self.roles is roles
        return same and self.trouble == found


class Granter(Worker):
    """Creates, repairs and removes our bindings; ``report`` says how they stand."""

    def __init__(
        self,
        api: Api,
        store: Store,
        metrics: Metrics,
        *,
        enabled: bool,
        cluster: bool = False,
        namespace: str = "",
    ) -> None:
        self.report = GrantReport(enabled=enabled, cluster=enabled and cluster)
        self._store = store
        self._metrics = metrics
        self._writer = GrantWriter(store, Writer(api, metrics), self._still)
        # What the grants follow from, as it was when that was worked out.
        self._moment: Moment | None = None
        self._own_namespace = namespace
        # None until something was assessed: before that, nothing is known to be superfluous.
        self._grants: tuple[Grants, ...] | None = None
        self._known: dict[str, _Known] = {}
        self._roles = Roles({})
        self._wake = asyncio.Event()
        self._busy = False

    # --- what is to be done ---------------------------------------------------------------------

    def follow(self, found: Pass) -> None:
        """Take in a pass; what has to be done is done beside."""
        assessment = found.assessment
        if not self.report.enabled or assessment.rbac_enforced is not True:
            return
        self._moment = found.moment
        self._grants = self._wanted(found.moment, assessment)
        if self._due(self._look()):
            self._wake.set()

    def failed(self) -> frozenset[tuple[str, str]]:
        """Return the bindings, by namespace and name, that could not be written or deleted."""
        return frozenset((key.namespace, key.name) for key in self._writer.failed)

    def retry_refused(self) -> None:
        """Try again at once what was refused: our rights have changed."""
        self._writer.retry_refused()
        self._wake.set()

    async def settle(self, until: float) -> bool:
        """Wait for what is being done; return whether there was anything and it is done.

        That is until the watch has brought it. ``until`` (in seconds of the loop's clock) is put
        off for as long as it goes on, but not for ever.
        """
        loop = asyncio.get_running_loop()
        if not self._unsettled():
            return False
        latest, done = max(until, loop.time() + _LONGEST), self._writer.done
        while self._unsettled():
            now = loop.time()
            if self._writer.done != done:
                until, done = max(until, now + _HEADWAY), self._writer.done
            if now >= min(until, latest):
                return False
            await asyncio.sleep(_POLL)
        return True

    def _unsettled(self) -> bool:
        if self._busy or self._wake.is_set():
            return True
        return self._writer.awaits_watch()

    def _wanted(self, moment: Moment, assessment: Assessment) -> tuple[Grants, ...]:
        """Return what follows from every record and model that there is."""
        world = self._surroundings()
        found: list[Grants] = []
        known, self._known = self._known, {}
        for name, resource in moment.records.items():
            hub, refused = assessment.hubs.get(name), assessment.refused_records.get(name)
            if hub is not None:
                entry = known.get(name)
                trouble = world.unmanaged(hub.agreement.hub.namespace)
                if entry is None or not entry.is_of(hub, resource.uid, self._roles, trouble):
                    grants = hub_grants(hub, resource.uid, world, assessment.now)
                    entry = _Known(hub, resource.uid, self._roles, trouble, grants)
                self._known[name] = entry
                found.append(entry.grants)
            else:
                frozen = refused is None or refused.reason != _NO_SAY
                found.append(Grants(Owner(RECORD, name, resource.uid), frozen=frozen))
        if self.report.cluster:
            for name, model in moment.models.items():
                cluster = assessment.clusters.get(name)
                hubs = assessment.hubs.values()
                found.append(
                    model_grants(cluster.terms, model.uid, hubs, world, assessment.now)
                    if cluster is not None
                    else Grants(Owner(MODEL, name, model.uid), frozen=True)
                )
        return tuple(found)

    def _still(self, wanted: DesiredBinding) -> bool:
        """Return whether a grant follows from what is there, as it did when that was worked out.

        The record or model may be gone, another one, or changed, the Namespace another one; then
        the next pass decides.
        """
        if self._moment is None:
            return False
        owner, space = wanted.owner, wanted.namespace
        then, now = (
            (self._moment.records.get(owner.name), self._store.records.items.get(owner.name))
            if owner.kind == RECORD
            else (self._moment.models.get(owner.name), self._store.models.items.get(owner.name))
        )
        if then is None or now is None or then.identity != now.identity:
            return False
        there = self._store.namespaces.items.get(space)
        before = self._moment.namespaces.get(space)
        return now.uid == owner.uid and (before and before.uid) == (there and there.uid)

    def _surroundings(self) -> GrantContext:
        live: dict[RoleKey, Role] = {
            key: role
            for key, role in self._store.cluster_roles.items.items()
            if key.name.startswith(ITEM_ROLE_PREFIX)
        }
        if live != self._roles.live:
            self._roles = Roles(live)
        spaces = self._store.namespaces.items
        return GrantContext(
            self._roles,
            {name: space.deleting for name, space in spaces.items()},
            self._own_namespace,
            managed=frozenset(name for name, space in spaces.items() if space.managed),
        )

    def _look(self) -> GrantDiff:
        """Return what is to be done now, and report how everything stands."""
        if self._grants is None:
            return GrantDiff((), {})
        found = difference(self._grants, self._writer.live(), elsewhere=self.report.cluster)
        self._writer.forget(found)
        self.report = report(self.report, found, self._writer.failed)
        self._metrics.state.grants = self.report
        return found

    def _due(self, found: GrantDiff) -> list[GrantChange]:
        return [change for change in found.changes if self._writer.is_due(change)]

    # --- doing it -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            await is_set_within(self._wake, self._writer.pause())
            self._wake.clear()
            await self._round()

    async def _round(self) -> None:
        changes = self._due(self._look())
        if not changes:
            return
        self._busy = True
        try:
            await self._writer.carry_out(changes)
        finally:
            self._busy = False
            self._look()
            self._store.touch()
