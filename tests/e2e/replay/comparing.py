"""The API server's own word on each request, beside that of a replay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from responsibility.replay.audit_event import Passed, read
from responsibility.replay.evaluate import Effect, Evaluator

Event = dict[str, Any]

_FAILURE = "validation.policy.admission.k8s.io/validation_failure"
_GLASS = "break-glass"


@dataclass
class Compared:
    """How often both agreed, and every time they did not."""

    alike: Counter[str] = field(default_factory=Counter)
    possible: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def said(event: Event) -> set[str]:
    """Return the policies that the API server noted as not satisfied."""
    text = (event.get("annotations") or {}).get(_FAILURE)
    return {entry["policy"] for entry in json.loads(text)} if text else set()


def compare(events: Iterable[Event], judge: Evaluator) -> Compared:
    """Replay events, and compare each with what the API server noted with it."""
    found = Compared()
    for event in events:
        theirs = said(event)
        bare = {k: v for k, v in event.items() if k != "annotations"}
        request = read(bare)
        if isinstance(request, Passed):
            found.passed[f"{request.name}{' but said' if theirs else ''}"] += 1
            continue
        verdicts = judge.judge(request)
        judge.learn(request)
        ours = {v.policy for v in verdicts if v.effect is not Effect.POSSIBLE}
        open_ = {v.policy: v.reason for v in verdicts if v.effect is Effect.POSSIBLE}
        for policy, reason in open_.items():
            found.possible[reason] += 1
            theirs.discard(policy)
        if ours == theirs:
            found.alike["refused" if ours else "nothing"] += 1
            continue
        found.differences.append(
            f"{request.who.user}: {request.verb} {request.full_resource} "
            f"{request.namespace}/{request.name} at {event['auditID']}: only the server: "
            f"{sorted(theirs - ours)}; only the replay: {sorted(ours - theirs)}"
        )
    return found
