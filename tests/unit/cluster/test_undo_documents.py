"""The operator's undo documents: what is written, read back, and given up."""

from dataclasses import replace

import pytest

from responsibility.api.names import UNDO_PREFIX
from responsibility.cluster.undo import Journal, UndoStep
from responsibility.cluster.undo_documents import (
    MOST_BYTES,
    MOST_KEPT,
    DocumentState,
    UndoDocuments,
    UndoTooLargeError,
    draft,
)
from responsibility.cluster.undo_form import change_of, object_path
from responsibility.kube.client import Api
from responsibility.plans.change import Plan
from tests.apiserver.over_http import HttpApiServer
from tests.unit.cluster.undo_plan import ANN, bound, stored

PATH = "/api/v1/namespaces/ours/configmaps"


def journal(uid: str = "1") -> Journal:
    before = stored("RoleBinding", "eves", **bound(ANN))
    before["metadata"]["uid"] = uid
    change = change_of("delete-binding", before, None)
    plan = Plan("hub coast", routes=False, changes=(change,))
    step = UndoStep.of("delete-binding", object_path(change.key), before, None)
    return Journal(plan.digest, plan.content(), "https://here", "cluster", (step,))


@pytest.fixture(autouse=True)
def _config_maps(server: HttpApiServer) -> None:
    server.collections.add(PATH)


async def test_what_is_written_is_read_back(api: Api) -> None:
    documents = UndoDocuments(api, "ours")
    assert not documents.listed
    await documents.list()
    made = await documents.write(draft("reef.prod", "uid", journal()))
    again = UndoDocuments(api, "ours")
    await again.list()
    (found,) = again.of("uid")
    assert found == made
    assert found.journal() == journal()
    assert found.state is DocumentState.OPEN
    assert again.of("another") == []


async def test_what_others_keep_there_is_not_ours(api: Api, server: HttpApiServer) -> None:
    server.create(PATH, {"metadata": {"name": "theirs"}, "data": {"a": "b"}}, "them")
    documents = UndoDocuments(api, "ours")
    await documents.list()
    assert list(documents.all()) == []


def test_the_same_plan_approved_anew_has_another_name() -> None:
    one, two = (draft("reef", "uid", journal(uid)) for uid in ("1", "2"))
    assert one.name != two.name
    assert one.name.startswith(f"{UNDO_PREFIX}reef-{one.digest[:12]}-")
    assert one == draft("reef", "uid", journal("1"))


def test_one_under_the_name_of_another_plan_is_not_believed() -> None:
    planted = replace(draft("reef", "uid", journal()), digest="f" * 32)
    with pytest.raises(ValueError, match="does not hold the plan that it is labelled with"):
        planted.journal()


def test_a_name_fits_whatever_the_record_is_called() -> None:
    assert len(draft("a" * 149 + "-." + "b" * 100, "uid", journal()).name) <= 253


def test_what_does_not_fit_is_not_begun() -> None:
    with pytest.raises(UndoTooLargeError):
        draft("reef", "uid", replace(journal(), host="x" * MOST_BYTES))


async def test_the_newest_are_kept_and_what_is_open_always(api: Api, server: HttpApiServer) -> None:
    documents = UndoDocuments(api, "ours")
    await documents.list()
    first = draft("reef", "uid", journal())
    for number in range(MOST_KEPT + 3):
        state = DocumentState.OPEN if number == 0 else DocumentState.DONE
        await documents.write(replace(first, name=f"{UNDO_PREFIX}{number:03}", state=state))
    before = set(server.objects)
    await documents.prune()
    assert before - set(server.objects) == {f"{PATH}/{UNDO_PREFIX}{n}" for n in ("001", "002")}
    deletions = [request for request in server.requests if request.method == "DELETE"]
    assert all(request.body["preconditions"]["uid"] for request in deletions)
    await documents.prune()
    assert len(before - set(server.objects)) == 2
