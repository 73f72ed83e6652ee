"""Questions are asked as the server's authorizers understand them."""

import asyncio
from typing import Any

import pytest

from responsibility.kube import access_reviews, errors
from responsibility.kube.client import Api
from responsibility.rbac.objects import Attributes
from tests.apiserver.over_http import HttpApiServer
from tests.apiserver.requests import Request, refusal

SUBJECT = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
SELF = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def answer(request: Request) -> dict[str, Any]:
    """Allow everything on pods."""
    spec = request.body["spec"]
    allowed = spec.get("resourceAttributes", {}).get("resource") == "pods"
    return {"status": {"allowed": allowed, "evaluationError": "a dangling roleRef"}}


async def test_asks_about_a_subject(api: Api, server: HttpApiServer) -> None:
    server.answers[SUBJECT] = answer
    exec_in_pod = Attributes("create", "", "pods", "exec", "web-0", "ns")
    assert await access_reviews.subject_access(api, "ada", ["g1", "g2"], exec_in_pod)
    assert server.requests[0].body == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "ada",
            "groups": ["g1", "g2"],
            "resourceAttributes": {
                "verb": "create",
                "group": "",
                "resource": "pods",
                "subresource": "exec",
                "name": "web-0",
                "namespace": "ns",
            },
        },
    }


async def test_asks_about_a_path(api: Api, server: HttpApiServer) -> None:
    server.answers[SELF] = answer
    assert not await access_reviews.self_access(api, Attributes("get", path="/metrics"))
    spec = server.requests[0].body["spec"]
    assert spec == {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}}


async def test_answers_come_in_the_order_of_the_questions(api: Api, server: HttpApiServer) -> None:
    server.answers[SUBJECT] = answer
    kinds = ["pods", "nodes", "pods", "secrets"] * 20
    asked = [
        access_reviews.AccessQuestion("ada", (), Attributes("get", "", kind)) for kind in kinds
    ]
    assert await access_reviews.subject_access_many(api, asked) == [
        kind == "pods" for kind in kinds
    ]


async def test_who_is_cancelled_while_a_question_fails_is_cancelled() -> None:
    class Failing:
        """A client whose answers fail the moment that whoever asks is cancelled."""

        async def create(self, path: str, _: Any) -> Any:
            await failing.wait()
            raise errors.UnavailableError(0, "ConnectionLost", "", "POST", path)

    failing = asyncio.Event()
    client: Any = Failing()
    question = access_reviews.AccessQuestion("ann", (), Attributes("get", "", "pods"))
    asking = asyncio.create_task(access_reviews.subject_access_many(client, [question]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    failing.set()
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_one_failure_fails_all_and_leaves_no_task(api: Api, server: HttpApiServer) -> None:
    server.answers[SELF] = answer
    server.fail(403, "Forbidden", "no")
    with pytest.raises(errors.ForbiddenError):
        await access_reviews.self_access_many(api, [Attributes("get", "", "pods")] * 50)


@pytest.mark.parametrize(("allowed", "enforced"), [(True, False), (False, True)])
async def test_rbac_is_enforced_when_nobody_may_do_nothing(
    api: Api, server: HttpApiServer, allowed: bool, enforced: bool
) -> None:
    server.answers[SUBJECT] = lambda _: {"status": {"allowed": allowed}}
    assert await access_reviews.rbac_enforced(api, unknown_user="nobody") is enforced
    spec = server.requests[0].body["spec"]
    assert spec["groups"] == [], "system:authenticated might really be bound to something"


async def test_without_the_right_to_ask_it_is_unknown(api: Api, server: HttpApiServer) -> None:
    server.answers[SUBJECT] = lambda _: refusal(403, "Forbidden")
    assert await access_reviews.rbac_enforced(api, unknown_user="nobody") is None
