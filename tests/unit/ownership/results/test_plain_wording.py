"""What is said to those who don't know Kubernetes has none of its words."""

import re
from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest

from responsibility.api.parse import load_shipped_model
from responsibility.hub.admins.administrators import Administrator, Unseen, Way
from responsibility.hub.discovery import HubKey
from responsibility.hub.release.changes import (
    Act,
    Change,
    ObjectName,
    ReleaseUnread,
    UnreadObject,
)
from responsibility.hub.values.agreed import AgreedValue, Unread
from responsibility.ownership.results import facts, plain_wording, wording
from responsibility.ownership.results.causes import causes
from responsibility.ownership.results.findings import KINDS, Finding
from responsibility.ownership.results.plain_remedies import PLAIN_REMEDIES, plain_remedy
from responsibility.ownership.results.severity import SCALE, ability_of, danger_of, plain_words
from responsibility.ownership.terms.permission_index import EVERYTHING, Permission
from responsibility.ownership.terms.resolve import resolve_model
from responsibility.rbac.escalation.steps import Step
from responsibility.rbac.objects import (
    GROUP,
    SERVICE_ACCOUNT,
    USER,
    BindingKey,
    RoleKey,
    Source,
    Subject,
)
from responsibility.upgrades.removals import removed_apis
from responsibility.upgrades.versions import Skew, Unlisted

ANN = Subject(USER, "ann")
PROD = HubKey("prod", "prod")
SECRETS = Permission("get", "", "secrets")
NAMESPACE = Permission("delete", "", "namespaces", name="prod")
SOURCE = Source(BindingKey("prod", "b"), RoleKey("prod", "r"), 0)
SHIPPED = resolve_model(load_shipped_model())


def excess(*permissions: Permission, **more: Any) -> Finding:
    told: dict[str, Any] = {"hub": PROD, "title": "Beds", "subject": ANN, "owners": ("Hosts",)}
    told |= {"kind": "excess-access", "item": "beds", "number": 1, "sources": (SOURCE,)}
    return Finding(**{**told, "permissions": permissions, **more})


def told(*findings: Finding) -> str:
    (cause,) = causes(findings)
    return plain_wording.summary(cause)


def kubernetes_words() -> set[str]:
    """Return the words that only engineers know: resources of the model, and those of RBAC."""
    known = {p.resource for p in SHIPPED.permissions.by_bit} - {"*", "nodes", "users", "groups"}
    known -= {"services", "events", "bindings", "leases", "jobs", "endpoints", "signers", "uids"}
    words = {"rolebinding", "clusterrole", "clusterrolebinding", "subject", "kubectl", "patch"}
    return known | words


@pytest.mark.parametrize("permission", SHIPPED.permissions.by_bit, ids=wording.permission_text)
def test_all_that_the_shipped_model_is_about_has_words_of_its_own(permission: Permission) -> None:
    assert not ability_of(permission).is_general
    assert not kubernetes_words() & set(plain_words(permission).split())


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_remedy_in_plain_words(kind: str) -> None:
    text = plain_remedy(kind)
    assert text.endswith(".")
    assert not kubernetes_words() & set(re.findall(r"[a-z]+", text.casefold()))
    assert set(PLAIN_REMEDIES) == set(KINDS)


@pytest.mark.parametrize("step", SCALE, ids=lambda step: step.what)
def test_each_step_of_the_scale_has_words_for_all_that_stands_on_it(step: Any) -> None:
    assert step.abilities
    for ability in step.abilities:
        assert ability.words
        for resource in ability.resources or {"example.com/widgets"}:
            group, _, full = resource.partition("/")
            name, _, sub = (full or "widgets").partition("/")
            for verb in sorted(ability.verbs or {"frob"}):
                permission = Permission(verb, group, name, sub)
                # Nothing stands on a step without a line of it, nor the other way round.
                assert ability_of(permission) in danger_of(permission).abilities


def test_the_line_that_has_a_permission_is_of_the_step_that_has_it() -> None:
    for permission in (*SHIPPED.permissions.by_bit, EVERYTHING):
        assert ability_of(permission) in danger_of(permission).abilities


def test_what_has_no_words_is_called_by_its_name() -> None:
    assert plain_words(Permission("delete", "x.org", "widgets")) == "change or delete widgets"
    assert plain_words(Permission("get", "x.org", "*")) == "look at anything else"
    assert plain_words(Permission("frob", "x.org", "widgets")) == "use widgets"


def test_who_can_do_what_where_and_whose_that_is() -> None:
    assert told(excess(NAMESPACE, SECRETS)) == (
        "ann can read passwords and tokens and delete everything in this hub, but Beds is Hosts's"
    )
    assert told(excess(EVERYTHING, hub=None)) == (
        "ann can do everything on the whole cluster, but Beds is Hosts's"
    )
    assert told(excess(SECRETS, hub=None, hubs=3)) == (
        "ann can read passwords and tokens on 3 hubs, but Beds is Hosts's"
    )


def test_a_cause_tells_of_all_that_can_be_done_by_it_each_once_and_counts_the_rest() -> None:
    first = excess(SECRETS, Permission("list", "", "secrets"), Permission("create", "", "pods"))
    second = excess(
        *(Permission("delete", "", name) for name in ("pods", "configmaps", "services")),
        item="pillows",
        number=2,
    )
    assert told(first, second) == (
        "ann can read passwords and tokens, run programs of their own, change or delete settings "
        "and 2 things more in this hub, but Beds is Hosts's"
    )


def test_what_takes_a_detour_says_so() -> None:
    route = (Step("token", ANN, "request a token", ()),)
    assert told(excess(SECRETS, route=route)).startswith("ann can, by a detour, read passwords")


def test_what_holds_for_some_names_only_says_for_which() -> None:
    source = Source(BindingKey("prod", "b"), RoleKey("prod", "r"), 0, ("hub", "tls"))
    assert "tokens (only what is called hub, tls) in this hub" in told(
        excess(SECRETS, sources=(source,))
    )


def test_what_holds_for_some_names_limits_nothing_else() -> None:
    named = Source(BindingKey("prod", "b"), RoleKey("prod", "r"), 0, ("sharing-token",))
    more: dict[str, Any] = {"item": "pillows", "number": 2}
    secrets = excess(SECRETS, sources=(named,))
    everything = Permission("delete", "", "namespaces")
    assert told(secrets, excess(everything, **more)).startswith(
        "ann can read passwords and tokens (only what is called sharing-token) and delete "
        "everything in this hub"
    )
    # What some sources give without a limit has none, whichever finding knows of them.
    for wide in (
        excess(SECRETS, sources=(named, SOURCE)),
        excess(Permission("list", "", "secrets"), **more),
    ):
        assert "only" not in told(secrets, wide)
    # Where everything has the same, it is said once.
    tls = excess(Permission("patch", "", "configmaps"), sources=(named,), **more)
    text = told(secrets, tls)
    assert text.count("(only") == 1
    assert "settings (only what is called sharing-token) in this hub" in text


@pytest.mark.parametrize("kind", [USER, GROUP])
@pytest.mark.parametrize(
    "name",
    [
        "All is well, nothing to do. Nobody",
        "All\u00a0is\u2003well.\u3164Nobody",
        'x", but all is well. "y',
        "nobody",
        "Everybody",
        "Anybody,",
        "",
        "x" * 65,
        "x" * 2_000,
    ],
)
def test_no_name_is_read_as_a_sentence_or_keeps_one_from_being_read(kind: Any, name: str) -> None:
    finding = excess(SECRETS, subject=Subject(kind, name))
    text = told(finding)
    begin, _, rest = text.partition('"')
    if kind == USER:
        assert begin == "Somebody called "
        named, _, rest = rest.partition('"')
        assert len(named) <= 64
        assert rest.startswith(" can read passwords")
    else:
        assert begin.startswith("The group ")
    assert "can read passwords and tokens in this hub, but Beds is Hosts's" in text
    assert len(text) < 200
    assert "can get secrets" in wording.message(finding)[:400]
    assert len(wording.remedy(finding)) < 1_000


@pytest.mark.parametrize(
    "name", ["ann@example.org", "oidc:ann", "CN=ann,O=x", "Ännchen_1", "x" * 64]
)
def test_usual_names_stand_as_they_are(name: str) -> None:
    assert told(excess(SECRETS, subject=Subject(USER, name))).startswith(f"{name} can read")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (ANN, "ann can"),
        (Subject(GROUP, "leads"), "The group leads can"),
        (Subject(GROUP, "system:authenticated"), "Everybody who can sign in to the cluster can"),
        (Subject(GROUP, "system:unauthenticated"), "Anybody, without signing in, can"),
        (Subject(GROUP, "system:serviceaccounts:prod"), "Every program in prod can"),
        (Subject(SERVICE_ACCOUNT, "bot", "prod"), "The program prod/bot can"),
    ],
)
def test_people_programs_and_everybody(subject: Subject, text: str) -> None:
    assert told(excess(SECRETS, subject=subject)).startswith(f"{text} read")


FACTS: list[facts.Facts] = [
    facts.Shortfall(),
    facts.Shortfall(holders=2, by_group=True),
    facts.Shortfall(unless=(RoleKey("", "x"), BindingKey("", "y"))),
    facts.Vacancy((ANN,)),
    facts.NobodyDeclared(),
    facts.Absent((ANN,)),
    facts.NoContact(),
    facts.Expired(datetime(2026, 1, 1, tzinfo=UTC), "a workshop", in_model=False),
    facts.Expiring(datetime(2026, 1, 1, tzinfo=UTC)),
    facts.StillGranted(datetime(2026, 1, 1, tzinfo=UTC)),
    facts.Overdue(date(2026, 1, 1)),
    facts.Disagreement((("Hosts", ("a",)), ("Guests", ("b",)))),
    facts.SideDoor(("pillows",), ("pillows",), 2),
    facts.StrangeAdmin(Administrator("zoe", service=False, ways=(Way(),))),
    facts.NotAdmin(("zoe",), 0, 1),
    facts.SignInOfAnybody("dummy", 2),
    facts.AdminsUnknown(Unseen.NO_TOKEN, ""),
    facts.RolesUntold(("x",)),
    facts.NobodyInside(2),
    facts.OutOfBounds(AgreedValue("singleuser.memory.limit", maximum="8G"), None),
    facts.ValuesUnread(Unread.NO_VALUES),
    facts.ValuesUnread(Unread.FORBIDDEN, sessions=True),
    facts.KubeletSkew(Skew("1.29", 4, 2, ("a", "b")), "1.33.2"),
    facts.KubeletSkew(Skew("1.34", -1, 1, ("a",)), "1.33.2"),
    facts.VersionsUnlisted(Unlisted.FORBIDDEN),
    facts.ApisRemoved(removed_apis([("policy/v1beta1", "PodDisruptionBudget")])[0], 1, None),
    facts.OutOfBand(Change(ObjectName("Deployment", "hub"), "spec.replicas", Act.CHANGED)),
    facts.OutOfBand(Change(ObjectName("Service", "proxy-api"), "", Act.DELETED)),
    facts.MoreOutOfBand(3),
    facts.ReleaseNotRead(ReleaseUnread.FORBIDDEN),
    facts.ObjectsUnread((UnreadObject(ObjectName("Service", "x"), ReleaseUnread.FORBIDDEN),)),
    facts.PublishedByOperator("what the operator said", ""),
]


def test_every_kind_of_facts_is_tried() -> None:
    assert {type(each) for each in FACTS} == set(get_args(facts.Facts))


@pytest.mark.parametrize("each", FACTS, ids=lambda each: type(each).__name__)
def test_whatever_is_found_is_told_without_words_of_kubernetes(each: facts.Facts) -> None:

    more: dict[str, Any] = {"subject": None, "party": "hosts", "items": ("beds",), "facts": each}
    text = told(excess(SECRETS, kind="missing-access", **more))
    assert text[:1].isupper() or text.startswith(("ann", "zoe", "what", "singleuser", "1", "2"))
    assert not kubernetes_words() & set(text.lower().replace(",", " ").split())


def test_the_worst_alone_is_one_of_few_texts() -> None:
    assert plain_wording.worst_ability(excess(NAMESPACE, SECRETS)) == (
        "can read passwords and tokens"
    )
    widgets = excess(Permission("delete", "x.org", "any-name-at-all"))
    assert plain_wording.worst_ability(widgets) == "can change or delete something else"
    missing = excess(SECRETS, kind="missing-access", facts=facts.Shortfall())
    assert plain_wording.worst_ability(missing) == "cannot read passwords and tokens"
    gone = excess(kind="subject-gone", facts=facts.Absent((ANN,)))
    assert plain_wording.worst_ability(gone).startswith("A ServiceAccount that acts")
