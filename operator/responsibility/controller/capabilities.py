"""The one list of what the operator does beside looking: each capability is put together here.

The loop takes the workers in this order and waits for each as it asks: granting comes first, since
what is being granted this moment is no difference, and nothing is asked of the server about it;
plans come last, made of what will be published. Events and the operator's own rights come before
all of them: they have no part in a pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from responsibility.cluster.store import Store
from responsibility.controller.admission.enforcement import EnforcementLoop
from responsibility.controller.grants.granter import Granter
from responsibility.controller.hub_admins.asking import HubAsker, HubSource
from responsibility.controller.hub_release.looking import ReleaseLooker
from responsibility.controller.hub_sessions.looking import SessionsLooker
from responsibility.controller.hub_values.looking import ValuesLooker
from responsibility.controller.leftover_watch import LeftoverWatch
from responsibility.controller.own_rights import OwnRights
from responsibility.controller.plans.queue import PlanningQueue
from responsibility.controller.plans.revocation_events import RevocationEvents
from responsibility.controller.plans.revoker import Revoker
from responsibility.controller.process.settings import Settings
from responsibility.controller.reporting.event_poster import EventPoster
from responsibility.controller.reporting.events import Announcer
from responsibility.controller.reporting.metrics import Metrics
from responsibility.controller.reporting.writer import Writer
from responsibility.controller.reviewer import Reviewer
from responsibility.controller.upgrades.looking import VersionsLooker
from responsibility.controller.worker import Worker
from responsibility.kube.client import Api


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All that works beside the loop, by name for those who publish what came of it.

    ``writer`` is shared by all that a pass itself writes, ``announcer`` queues Events for
    ``events``.
    """

    writer: Writer
    announcer: Announcer
    events: EventPoster
    own_rights: OwnRights
    granter: Granter
    reviewer: Reviewer
    hub_asker: HubAsker
    values_looker: ValuesLooker
    release_looker: ReleaseLooker
    sessions_looker: SessionsLooker
    versions_looker: VersionsLooker
    planning: PlanningQueue
    revoker: Revoker
    enforcement: EnforcementLoop
    leftovers: LeftoverWatch

    @classmethod
    def build(
        cls,
        settings: Settings,
        api: Api,
        store: Store,
        metrics: Metrics,
        *,
        on_rights_granted: Callable[[], None] = lambda: None,
        announcer: Announcer | None = None,
    ) -> Capabilities:
        """Put all of them together; what is switched off does nothing.

        ``on_rights_granted`` is called when the operator has been given rights that it lacked;
        ``announcer`` tells of transitions, by default as Events.
        """
        own_rights = OwnRights(
            api, metrics, settings, on_granted=on_rights_granted, unreadable=store.cannot_read
        )
        # Whoever writes, and is refused, has it ask at once.
        api = api.telling(own_rights.refused)
        writer = Writer(api, metrics)
        events = EventPoster(api, settings.identity)
        announcer = announcer or Announcer(events)
        planning = PlanningQueue(store.touch, revoking=settings.revocation)
        granter = Granter(
            api,
            store,
            metrics,
            enabled=settings.grants,
            cluster=settings.grants_cluster,
            namespace=settings.namespace,
        )
        enforcement = EnforcementLoop(api, store, writer, metrics, settings)
        return cls(
            writer=writer,
            announcer=announcer,
            events=events,
            own_rights=own_rights,
            granter=granter,
            reviewer=Reviewer(api, store, metrics, sample_seconds=settings.sample_seconds),
            hub_asker=HubAsker(store, metrics, HubSource.of(settings)),
            values_looker=ValuesLooker.of(settings, api, store, metrics),
            release_looker=ReleaseLooker.of(settings, api, store, metrics),
            sessions_looker=SessionsLooker.of(settings, api, store, metrics),
            versions_looker=VersionsLooker.of(settings, api, store, metrics),
            planning=planning,
            revoker=Revoker(
                api,
                store,
                metrics,
                planning,
                RevocationEvents(announcer),
                enabled=settings.revocation,
                namespace=settings.namespace,
            ),
            enforcement=enforcement,
            leftovers=LeftoverWatch(enforcement, granter, settings),
        )

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All of them, in the order in which they follow a pass."""
        return (
            self.events,
            self.own_rights,
            self.granter,
            self.reviewer,
            self.hub_asker,
            self.values_looker,
            self.release_looker,
            self.sessions_looker,
            self.versions_looker,
            self.planning,
            self.revoker,
            self.enforcement,
        )
