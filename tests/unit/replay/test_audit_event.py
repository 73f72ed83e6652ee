"""Which events count, and what admission saw of them."""

from __future__ import annotations

from typing import Any

import pytest

from responsibility.replay.audit_event import Passed, Request, read
from tests.unit.replay.events import event, request

Json = dict[str, Any]

POD = {"resource": "pods", "apiGroup": "", "name": "p"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (event(stage="RequestReceived"), Passed.STAGE),
        (event(stage="ResponseStarted"), Passed.STAGE),
        (event(stage="Panic"), Passed.BROKEN),
        (event(verb="get"), Passed.READ),
        (event(verb="list"), Passed.READ),
        (event(objectRef=None), Passed.READ),
        (event(code=403), Passed.REFUSED),
        (event(code=409), Passed.FAILED),
        (event(code=404), Passed.FAILED),
        (event(code=500), Passed.FAILED),
        (event(requestURI="/apis/apps/v1/x?dryRun=All"), Passed.DRY_RUN),
        (
            event(verb="delete", requestObject={"kind": "DeleteOptions", "dryRun": ["All"]}),
            Passed.DRY_RUN,
        ),
        (
            event(
                verb="create",
                ref=POD | {"subresource": "eviction"},
                requestObject={"kind": "Eviction", "deleteOptions": {"dryRun": ["All"]}},
            ),
            Passed.DRY_RUN,
        ),
        (event(verb="create", ref=POD | {"subresource": "exec"}, code=404), Passed.FAILED),
        (
            event(ref={"resource": "subjectaccessreviews", "apiGroup": "authorization.k8s.io"}),
            Passed.EXEMPT,
        ),
        (
            event(
                ref={
                    "resource": "validatingadmissionpolicybindings",
                    "apiGroup": "admissionregistration.k8s.io",
                }
            ),
            Passed.EXEMPT,
        ),
    ],
)
def test_what_does_not_count(raw: Json, why: Passed) -> None:
    assert read(raw) is why


@pytest.mark.parametrize(
    ("raw", "operation"),
    [
        (event(verb="create", code=201), "CREATE"),
        (event(verb="patch", code=200), "UPDATE"),
        (event(verb="patch", code=201), "CREATE"),
        (event(verb="update", code=201), "CREATE"),
        (event(verb="delete"), "DELETE"),
        (event(verb="deletecollection"), "DELETE"),
        (event(verb="create", ref=POD | {"subresource": "exec"}, code=101), "CONNECT"),
        (event(verb="get", ref=POD | {"subresource": "exec"}, code=101), "CONNECT"),
        (event(verb="get", ref=POD | {"subresource": "portforward"}, code=500), "CONNECT"),
        (event(verb="create", ref=POD | {"subresource": "eviction"}, code=201), "CREATE"),
    ],
)
def test_the_operation_that_admission_saw(raw: Json, operation: str) -> None:
    assert request(raw).operation == operation


def test_an_answer_of_a_status_is_no_object() -> None:
    assert request(event(verb="delete", responseObject={"kind": "Status"})).answer is None


@pytest.mark.parametrize(
    "broken",
    [
        event(requestReceivedTimestamp=""),
        event(requestReceivedTimestamp="yesterday"),
        event(requestReceivedTimestamp="2026-06-01T12:00:00"),
        event(user=["eve"]),
        event(verb=3),
    ],
)
def test_a_broken_event_is_said_to_be(broken: Json) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(broken)


def test_empty_fields_are_not_there() -> None:
    found = read(event("", user={}))
    assert isinstance(found, Request)
    assert found.who.info() == {}
