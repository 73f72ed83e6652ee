"""What a case of an alert is, and the series that cases are made of.

Time begins at 0, with a sample a minute; every quarter of an hour in cases that take days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from responsibility.monitoring.alert import AlertSeverity

# What scraping adds to every series, and alerts must not trip over.
_TARGET = {"instance": "10.0.0.7:8080", "job": "services", "namespace": "hub-responsibility"}
OTHER_POD = {"instance": "10.0.0.8:8080"}
OPERATOR = {"namespace": "hub-responsibility"}
DAY = 86_400
HALF_A_DAY = 12 * 60


def series(name: str, values: str, **labels: str) -> tuple[str, str]:
    """Return a series as promtool takes it: a selector and a notation of values."""
    pairs = ", ".join(f'{key}="{value}"' for key, value in {**_TARGET, **labels}.items())
    return f"responsibility_{name}{{{pairs}}}", values


def of_hub(name: str, values: str, **labels: str) -> tuple[str, str]:
    """Return a series about one hub, that of prod."""
    return series(name, values, hub_namespace="prod", hub="prod", **labels)


def drift(kind: str, values: str, item: str = "data", **labels: str) -> tuple[str, str]:
    """Return findings on the hub."""
    return of_hub("drift", values, item=item, kind=kind, route="direct", **labels)


def caused(
    values: str, kind: str = "excess-access", level: str = "high", cause: str = "c1", **labels: str
) -> tuple[str, str]:
    """Return a cause on the hub, with the number of its findings."""
    what = "can read passwords and tokens"
    called = {"what": what, "party": "community", "contact": "leads@x.example", **labels}
    return of_hub("cause_info", values, kind=kind, level=level, cause=cause, **called)


def of_cluster(kind: str, values: str, item: str = "operate") -> tuple[str, str]:
    """Return findings of the whole cluster."""
    return series("drift", values, item=item, kind=kind, route="direct")


def delegation(party: str, until: int) -> tuple[str, str]:
    """Return when a delegation on the hub ends. Its label ``party`` is not the owner's."""
    name = "delegation_end_timestamp_seconds"
    return of_hub(name, f"{until}x100", item="data", party=party)


def uses(values: str, **labels: str) -> tuple[str, str]:
    """Return the API server's count of what a policy has warned of."""
    told = {
        "instance": "10.0.0.1:6443",
        "job": "apiservers",
        "policy": "responsibility-data.break-glass",
        "policy_binding": "responsibility-data.break-glass",
        "enforcement_action": "warn",
        "error_type": "no_error",
        **labels,
    }
    pairs = ", ".join(f'{key}="{value}"' for key, value in told.items())
    return f"apiserver_validating_admission_policy_check_total{{{pairs}}}", values


Series = tuple[tuple[str, str], ...]
OWNED: Series = (
    of_hub("item_owner_info", "1x300", item="data", party="community", contact="leads@x.example"),
    # Another pod says the same for a while: what is there once must be counted once.
    of_hub(
        "item_owner_info",
        "1x300",
        item="data",
        party="community",
        contact="leads@x.example",
        **OTHER_POD,
    ),
    of_hub("item_owner_info", "1x300", item="record", party="provider", contact="ops@y.example"),
    # Another hub with an owner of its own, in the same item.
    series(
        "item_owner_info",
        "1x300",
        hub_namespace="staging",
        hub="staging",
        item="data",
        party="provider",
        contact="ops@y.example",
    ),
)
_WHERE = {"hub_namespace": "prod", "hub": "prod", "namespace": "prod"}
DATA = {**_WHERE, "item": "data", "party": "community", "contact": "leads@x.example"}
CALLED = {**_WHERE, "party": "community", "contact": "leads@x.example"}
RECORD = {**_WHERE, "item": "record", "party": "provider", "contact": "ops@y.example"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One alert. It fires at ``at``, and not yet at ``before``; with ``healthy`` it never does."""

    alert: str
    sick: Series
    at: str
    before: str
    labels: Mapping[str, str]
    summary: str
    severity: AlertSeverity
    healthy: tuple[Series, ...]
    common: Series = field(default=OWNED)

    @property
    def step(self) -> str:
        """Return the time between two samples, and between two looks at the rules."""
        return "15m" if int(self.at.removesuffix("m")) > HALF_A_DAY else "1m"


def finding(
    alert: str, kind: str, severity: AlertSeverity, summary: str, *, after: int, item: str = "data"
) -> Case:
    """Return the case of a kind of finding that has to last for ``after`` minutes."""
    return Case(
        alert=alert,
        sick=(drift(kind, "1x300", item), drift(kind, "1x300", item, **OTHER_POD)),
        at=f"{after}m",
        before=f"{after - 1}m" if after < HALF_A_DAY else f"{after - 15}m",
        labels={**(DATA if item == "data" else RECORD), "kind": kind},
        summary=summary,
        severity=severity,
        # Others kinds of finding; and one of this that has ended in time.
        healthy=((drift("other", "1x300"),), (drift(kind, "1x4 stale", item),)),
    )


def cause(
    alert: str, kind: str, level: str, severity: AlertSeverity, summary: str, *, after: int
) -> Case:
    """Return the case of causes of that level, of which there are two for the same people."""
    return Case(
        alert=alert,
        sick=(
            caused("7x300", kind, level),
            caused("7x300", kind, level, **OTHER_POD),
            caused("1x300", kind, level, "c2"),
        ),
        at=f"{after}m",
        before=f"{after - 1}m" if after < HALF_A_DAY else f"{after - 15}m",
        labels={**CALLED, "kind": kind, "level": level},
        summary=summary,
        severity=severity,
        healthy=((caused("1x300", "other", level),), (caused("1x4 stale", kind, level),)),
    )
