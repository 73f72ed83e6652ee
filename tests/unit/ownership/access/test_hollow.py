"""Items that refuse, and are got round by others, with the model that is shipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from responsibility.admission.policies.kinds import KINDS
from responsibility.api.stages import AdmissionStage
from responsibility.ownership.access.refusals import TECHNIQUES, plural
from responsibility.ownership.assess import Assessor
from responsibility.ownership.results import wording
from responsibility.ownership.results.assessment import Assessment
from responsibility.ownership.results.facts import SideDoor
from responsibility.ownership.results.findings import Finding
from responsibility.ownership.terms.entitlement import ExemptionBook
from tests.unit.deciding import Decided
from tests.unit.ownership.access import hollow_worlds, plain_hollow
from tests.unit.ownership.building import Grant, assess, exempt, grant, of_kind, on_hub, people
from tests.unit.ownership.charts import CHARTS
from tests.unit.ownership.shipped import CONTACT, ENGINEERS, model, ours

RESIZE, HUB, INCIDENTS = "kubernetes-configuration", "deploy-configure-hub", "incident-response"
DATA = "data"
ADM = "Group admins"
APPS, RBAC = "apps", "rbac.authorization.k8s.io"
TOKENS = grant(ADM, "create", "serviceaccounts/token")
BINDINGS = grant(ADM, "create", "rolebindings", group=RBAC)
PODS = grant(ADM, "create", "pods")
EXEC = grant(ADM, "create", "pods/exec")
ANEW = grant(ADM, "create delete", "deployments", group=APPS)
QUOTAS = grant(ADM, "update", "resourcequotas")
RESIZES = grant(ADM, "patch", "deployments", group=APPS)


def seen(
    *grants: Grant, deny: Iterable[str], warn: Iterable[str] = (), **more: object
) -> Assessment:
    """Return what is said of a hub as its chart makes it, with these items at a stage."""
    stages = {**dict.fromkeys(warn, "warn"), **dict.fromkeys(deny, "deny")}
    items = {name: {"enforcement": {"admission": stage}} for name, stage in stages.items()}
    agreed = ours("prod", items=items, **more)
    return assess(ENGINEERS, *CHARTS["jupyterhub 4"], *grants, models=[model()], records=[agreed])


def hollow(found: Assessment) -> dict[str, Finding]:
    return {finding.item: finding for finding in of_kind(found, "enforcement-hollow")}


def together(found: Assessment) -> set[str]:
    (sets,) = {f.facts.together for f in hollow(found).values() if isinstance(f.facts, SideDoor)}
    return set(sets)


@pytest.mark.parametrize(
    ("grants", "deny", "raised"),
    [
        # A token of the hub's own account, which may delete pods and volumes.
        ([TOKENS], [INCIDENTS], {HUB}),
        ([TOKENS], [DATA], {HUB}),
        ([TOKENS], [INCIDENTS, DATA], {HUB}),
        # It passes for incidents, which may scale, and can be given the right to.
        ([TOKENS, BINDINGS, RESIZES], [RESIZE], {HUB}),
        ([TOKENS, RESIZES], [RESIZE], set()),
        # It has no business with quotas, and is not let through.
        ([TOKENS, BINDINGS, QUOTAS], [RESIZE], set()),
        ([PODS], [INCIDENTS], {HUB}),
        ([EXEC], [DATA], {INCIDENTS}),
        ([EXEC], [HUB], {INCIDENTS}),
        # Either closes one of the ways; it takes both.
        ([EXEC, TOKENS], [DATA], {INCIDENTS, HUB}),
        # What is deleted and made anew has any size.
        ([ANEW], [RESIZE], {HUB}),
        ([grant(ADM, "create", "deployments", group=APPS)], [RESIZE], set()),
        ([grant(ADM, "delete", "deployments", group=APPS)], [RESIZE], set()),
        # What is refused itself, or can't be asked for, opens nothing.
        ([TOKENS, ANEW], [HUB], set()),
        ([TOKENS, ANEW, EXEC], [HUB, INCIDENTS, RESIZE, DATA], set()),
        ([RESIZES], [RESIZE], set()),
        ([grant(ADM, "get list watch", "secrets")], [DATA, INCIDENTS], set()),
        # For one account only, and not for that.
        ([grant(ADM, "create", "serviceaccounts/token", names="other")], [DATA], set()),
        ([grant(ADM, "create", "serviceaccounts/token", names="hub")], [DATA], {HUB}),
        # Elsewhere.
        ([grant(ADM, "create", "serviceaccounts/token", ns="other")], [DATA], set()),
    ],
)
def test_what_is_got_round_and_what_closes_it(
    grants: list[Grant], deny: list[str], raised: set[str]
) -> None:
    found = seen(*grants, deny=deny)
    if not raised:
        assert not hollow(found)
        return
    assert hollow(found).keys() == set(deny)
    assert together(found) == raised
    assert not hollow(seen(*grants, deny=[*deny, *raised])), "the set is enough"
    for one in raised:
        left = [name for name in (*deny, *raised) if name != one]
        assert hollow(seen(*grants, deny=left)), f"{one} is one too many"


@pytest.mark.parametrize("stage", ["observe", "warn"])
def test_an_item_that_does_not_refuse_is_not_hollow_and_closes_nothing(stage: str) -> None:
    assert not hollow(seen(TOKENS, deny=[], warn=[DATA]))
    found = seen(TOKENS, deny=[DATA], warn=[HUB] if stage == "warn" else [])
    assert hollow(found).keys() == {DATA}


def test_an_account_without_the_right_can_be_given_it() -> None:
    """A token of it, and a RoleBinding to what one may do oneself, though one is refused it."""
    machine = exempt("ServiceAccount prod/machine", RESIZE, reason="scales the hub")
    known = grant("ServiceAccount prod/machine", "get", "pods")
    grants = (TOKENS, QUOTAS, known)
    assert not hollow(seen(*grants, deny=[RESIZE], exemptions=[machine]))
    found = seen(*grants, BINDINGS, deny=[RESIZE], exemptions=[machine])
    assert hollow(found).keys() == {RESIZE}
    assert "bind ServiceAccount prod/machine" in wording.message(hollow(found)[RESIZE])
    assert together(found) == {HUB}


def test_who_may_act_by_another_of_its_items_gets_round_nothing() -> None:
    """The owner of the hub's configuration may make its Deployments anew: that was agreed."""
    parties = {"community": people(ADM, **CONTACT)}
    stages = {
        RESIZE: {"enforcement": {"admission": "deny"}},
        HUB: {"owner": "community"},
    }
    found = assess(
        ENGINEERS,
        *CHARTS["jupyterhub 4"],
        ANEW,
        models=[model()],
        records=[ours(items=stages, parties=parties)],
    )
    assert not hollow(found)


def test_those_who_are_let_through_get_round_nothing() -> None:
    assert not hollow(seen(TOKENS, deny=[DATA], exemptions=[exempt(ADM, "*")]))
    # The hub's own account, which makes pods, is no stranger.
    assert not hollow(seen(deny=[DATA, HUB, INCIDENTS]))


def test_the_way_stands_in_words_with_who_and_what_to_raise() -> None:
    others = grant("User eve", "create", "serviceaccounts/token")
    found = seen(TOKENS, others, deny=[DATA])
    (finding,) = hollow(found).values()
    assert str(finding.subject) == ADM
    assert wording.message(finding) == (
        "Group admins can request a token of ServiceAccount prod/hub, then ServiceAccount prod/hub "
        "can create persistentvolumeclaims, for which it is let through, as 1 other can; so Data "
        "is refused to it, and is got round all the same"
    )
    assert wording.remedy(finding) == (
        "Raise deploy-configure-hub to deny; with deploy-configure-hub, nothing that is enforced "
        "here is hollow."
    )
    assert {str(s.binding) for s in finding.sources} == {str(TOKENS[1].key)}
    assert finding in on_hub(found).findings


def test_it_is_said_whether_routes_are_looked_for_or_not() -> None:
    items = {DATA: {"enforcement": {"admission": "deny"}}}
    for routes in (False, True):
        found = assess(
            ENGINEERS,
            *CHARTS["jupyterhub 4"],
            TOKENS,
            models=[model()],
            records=[ours(items=items)],
            routes=routes,
        )
        assert hollow(found).keys() == {DATA}


def _holds_as_plainly(seed: int) -> bool:
    """Hold a cluster, and what becomes of it, against the plain text of the rules."""
    assessor, decided = Assessor(), False
    for snapshot in hollow_worlds.drawn(seed):
        assessment = assessor.assess(snapshot)
        for name, seen_hub in assessment.hubs.items():
            agreement = seen_hub.agreement
            found = {f.item: f for f in seen_hub.findings if f.kind == "enforcement-hollow"}
            denied = frozenset(
                i.name for i in agreement.items if i.admission is AdmissionStage.DENY
            )
            book = ExemptionBook.of(agreement.exemptions)
            opened = plain_hollow.hollow(plain_hollow.Plain(agreement, snapshot, book))
            expected = opened(denied)
            assert found.keys() == expected.keys(), (seed, name)
            for item, finding in found.items():
                assert finding.subject in expected[item], (seed, name, item)
                assert isinstance(finding.facts, SideDoor)
                assert finding.facts.others == len(expected[item]) - 1, (seed, name, item)
                raised = frozenset(finding.facts.together)
                assert not opened(denied | raised), (seed, name, item)
                assert all(opened(denied | raised - {one}) for one in raised), (seed, name, item)
            decided = decided or bool(found)
    return decided


def test_worlds_that_are_drawn_are_judged_as_the_plain_text_judges_them() -> None:
    decided = Decided()
    for seed in range(3):
        decided.note(_holds_as_plainly(seed))
    decided.held(least=0.6)


@pytest.mark.long
@pytest.mark.parametrize("start", range(1_000, 1_200, 25))
def test_many_worlds_are_judged_as_the_plain_text_judges_them(start: int) -> None:
    decided = Decided()
    for seed in range(start, start + 25):
        decided.note(_holds_as_plainly(seed))
    decided.held(least=0.6)


def test_what_is_found_of_a_hub_does_not_depend_on_which_were_looked_at_before() -> None:
    """Tables are shared by hubs and passes: another order, or none before, says the same."""
    for seed in range(20, 22):
        assessor = Assessor()
        for snapshot in hollow_worlds.drawn(seed):
            fresh = Assessor().assess(snapshot).findings()
            assert assessor.assess(snapshot).findings() == fresh, seed
            turned = {
                name: snapshot.records[name] for name in sorted(snapshot.records, reverse=True)
            }
            again = Assessor().assess(replace(snapshot, records=turned)).findings()
            assert again == fresh, seed


def test_what_techniques_take_is_asked_in_the_namespace_and_of_any_fixed_name() -> None:
    """So that what somebody's rules come to can be shared by hubs."""
    for technique in TECHNIQUES:
        for needed in technique.requirements:
            where = (needed.namespace, needed.anywhere, needed.everywhere, needed.names)
            assert not any(where)


def test_resources_are_called_as_the_policies_know_them() -> None:
    assert {kind: plural(kind) for kind in KINDS} == {k: r.resource for k, r in KINDS.items()}
