"""Sentences about versions of Kubernetes: words that `wording` has of these findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from responsibility.ownership.results.facts import (
    ApisRemoved,
    KubeletSkew,
    VersionFacts,
    VersionsUnlisted,
)
from responsibility.phrases import counted
from responsibility.upgrades.versions import MOST_BEHIND, Unlisted

if TYPE_CHECKING:
    from responsibility.ownership.results.findings import Finding


def sentence(finding: Finding, facts: VersionFacts, whose: str) -> str:
    """Return what is found, without a full stop; ``whose`` is what its item is."""
    if isinstance(facts, KubeletSkew):
        return f"{_skew(facts)}: {finding.title} is {whose}"
    if isinstance(facts, ApisRemoved):
        return f"{_removed(facts)}: {finding.title} is {whose}"
    assert isinstance(facts, VersionsUnlisted)  # noqa: S101 - there are no others
    return f"It can't be told whether the nodes' kubelets fit the API server: {UNLISTED[facts.why]}"


def remedy(facts: VersionFacts) -> str:
    """Return what ends just this, as a sentence; empty where its kind says it."""
    if isinstance(facts, KubeletSkew) and facts.skew.behind < 0:
        return "Upgrade the API server, which has to come first, or give these nodes its version."
    return _REMEDIES.get(facts.why, "") if isinstance(facts, VersionsUnlisted) else ""


def _removed(facts: ApisRemoved) -> str:
    first = facts.first
    more = f" (and {counted(facts.others, 'other')})" if facts.others else ""
    gone = facts.server is None or facts.server >= first.removed_in
    if gone:
        return (
            f"The hub was deployed with {first}{more}, which Kubernetes has no more since "
            f"{first.removed_in.release}, so Helm can't upgrade it"
        )
    return (
        f"The hub was deployed with {first}{more}, which Kubernetes {first.removed_in.release} "
        f"has no more; {facts.server} runs, and once that is upgraded Helm can't upgrade the hub"
    )


def _skew(facts: KubeletSkew) -> str:
    skew = facts.skew
    names = ", ".join(skew.names)
    others = skew.nodes - len(skew.names)
    more = f" and {others} more" if others > 0 else ""
    verb = "runs" if skew.nodes == 1 else "run"
    head = f"{counted(skew.nodes, 'node')} ({names}{more}) {verb} kubelet {skew.release}"
    if skew.behind < 0:
        return f"{head}, newer than the API server, which is {facts.server}"
    return (
        f"{head}, {counted(skew.behind, 'minor version')} behind the API server, which is "
        f"{facts.server}; Kubernetes supports {MOST_BEHIND}"
    )


# Why it is not known, after "It can't be told whether the nodes' kubelets fit the API server:".
UNLISTED: Mapping[Unlisted, str] = {
    Unlisted.FORBIDDEN: "the operator may not list nodes (clusterVersions.enabled gives the right)",
    Unlisted.UNREADABLE: "the API server's list of nodes is none that can be read",
    Unlisted.FAILED: "the API server did not answer",
    Unlisted.NO_SERVER_VERSION: "the API server doesn't say which version it is",
    Unlisted.NO_NODE_VERSION: "of some nodes it can't be told which version they run",
}
# What ends just this, where that is no right on nodes.
_REMEDIES: Mapping[Unlisted, str] = {
    Unlisted.NO_SERVER_VERSION: "Let the operator read /version of the API server, as the "
    "ClusterRole system:public-info-viewer does.",
    Unlisted.NO_NODE_VERSION: "Look at the versions in `kubectl get nodes`: mend or remove nodes "
    "that have none; where there are more than sixteen, upgrade those of between.",
}
