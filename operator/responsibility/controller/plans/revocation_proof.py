"""Proof of a revocation: the API server is asked whether what it was to end has ended."""

from __future__ import annotations

import asyncio

from responsibility.controller.plans.process import Planner, PlanningError
from responsibility.kube import access_reviews, errors
from responsibility.kube.client import Api
from responsibility.phrases import some
from responsibility.plans.change import Plan
from responsibility.plans.proof import Expectation
from responsibility.rbac.identity import user_and_groups

# Seconds until the server's authorizer must have seen a deletion; it takes milliseconds.
_SETTLED = 20.0
_PAUSE = 0.2
# Of more than so many questions, the first are asked.
_MOST_ASKED = 1_000
_MOST_TOLD = 3


async def still_held(api: Api, planner: Planner, plan: Plan) -> str:
    """Return in words what differs from what was planned; empty if all is as it should be."""
    try:
        left = (await planner.expectations(plan))[:_MOST_ASKED]
    except PlanningError as error:
        return f"all of it was carried out; what the API server is to confirm is unknown: {error}"
    loop = asyncio.get_running_loop()
    end = loop.time() + _SETTLED
    while True:
        questions = [
            access_reviews.AccessQuestion(*user_and_groups(e.subject), e.asked) for e in left
        ]
        try:
            answers = await access_reviews.subject_access_many(api, questions)
        except errors.ApiError as error:
            return f"all of it was carried out; the API server did not confirm it: {error}"
        left = [e for e, answer in zip(left, answers, strict=True) if answer is not e.allowed]
        if not left:
            return ""
        if loop.time() > end:
            return _words(left)
        await asyncio.sleep(_PAUSE)


def _words(left: list[Expectation]) -> str:
    words = [
        f"{e.subject} {'no longer may' if e.allowed else 'still may'} {e.asked.verb} "
        + "/".join(filter(None, (e.asked.resource, e.asked.subresource, e.asked.name)))
        for e in left
    ]
    named = some(words, _MOST_TOLD, last=", and ")
    return (
        f"all of it was carried out, but {named}: something else than RBAC "
        "decides, such as the cloud's IAM, or somebody has changed RBAC meanwhile"
    )
