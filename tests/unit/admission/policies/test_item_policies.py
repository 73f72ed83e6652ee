"""The rendered policies: what they are made of, and that nothing knows an item by name."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.admission.policies import cel
from responsibility.admission.policies.cluster_policies import (
    TABLES,
    ClusterEnforcement,
    cluster_policies,
    clustered,
)
from responsibility.admission.policies.manifests import BINDING, POLICY, Manifest, digest
from responsibility.admission.policies.rendered import (
    differences,
    installed,
    item_policies,
    rendered,
    static,
    templates,
)
from responsibility.api.names import STAGE_LABEL, STATIC_SUFFIX, binding_name, policy_name
from responsibility.api.parse import load_shipped_manifest, load_shipped_model, parse_model
from responsibility.api.stages import AdmissionStage
from tests.unit.admission.policies.small_models import small, writes

NAMESPACE = "ops"
ACCOUNT = "system:serviceaccount:ops:operator"
MODEL = load_shipped_model()
ALL = rendered(MODEL, namespace=NAMESPACE, account=ACCOUNT)


def of_kind(kind: str, manifests: list[Manifest] | None = None) -> dict[str, Manifest]:
    return {m["metadata"]["name"]: m for m in manifests or ALL if m["kind"] == kind}


def expressions(policy: Manifest) -> list[str]:
    spec = policy["spec"]
    return [
        *(v["expression"] for v in spec.get("variables", ())),
        *(c["expression"] for c in spec.get("matchConditions", ())),
        *(v["expression"] for v in spec["validations"]),
        *(v["messageExpression"] for v in spec["validations"] if "messageExpression" in v),
        *(a["valueExpression"] for a in spec.get("auditAnnotations", ())),
    ]


@pytest.mark.parametrize("name", sorted(of_kind(POLICY)))
def test_a_policy_says_everything_that_the_api_server_would_fill_in(name: str) -> None:
    spec = of_kind(POLICY)[name]["spec"]
    assert spec["failurePolicy"] == "Fail"
    assert "paramKind" not in spec
    constraints = spec["matchConstraints"]
    assert constraints["matchPolicy"] == "Equivalent"
    assert constraints["namespaceSelector"] == constraints["objectSelector"] == {}
    assert all(rule["scope"] for rule in constraints["resourceRules"])
    assert all(v["reason"] and v["message"] for v in spec["validations"])


@pytest.mark.parametrize("name", sorted(of_kind(POLICY)))
def test_no_expression_reads_what_may_be_missing(name: str) -> None:
    for text in expressions(of_kind(POLICY)[name]):
        # These are left out of a request, not empty.
        assert not re.search(r"request\.(name|namespace|subResource|options)\b", text)
        assert not re.search(r"userInfo\.(username|groups)\b", text)
        assert "\n" not in text
        assert not re.search(r"\$\(", text)


@pytest.mark.parametrize("name", sorted(of_kind(POLICY)))
def test_messages_and_audit_never_ask_the_authorizer(name: str) -> None:
    spec = of_kind(POLICY)[name]["spec"]
    said = [v["messageExpression"] for v in spec["validations"] if "messageExpression" in v]
    said += [a["valueExpression"] for a in spec.get("auditAnnotations", ())]
    variables = {v["name"]: v["expression"] for v in spec.get("variables", ())}

    def reach(text: str) -> str:
        used = re.findall(r"variables\.(\w+)", text)
        return text + "".join(reach(variables[name]) for name in dict.fromkeys(used))

    assert not [text for text in said if "authorizer" in reach(text)]


@pytest.mark.parametrize("name", sorted(of_kind(POLICY)))
def test_a_variable_stands_before_those_that_use_it(name: str) -> None:
    known: set[str] = set()
    for variable in of_kind(POLICY)[name]["spec"].get("variables", ()):
        assert set(re.findall(r"variables\.(\w+)", variable["expression"])) <= known
        known.add(variable["name"])


def test_stages_are_chosen_by_label() -> None:
    for item in ("kubernetes-configuration", "data"):
        for stage, actions in (
            (AdmissionStage.WARN, ["Warn", "Audit"]),
            (AdmissionStage.DENY, ["Deny", "Audit"]),
        ):
            spec = of_kind(BINDING)[binding_name(item, stage)]["spec"]
            assert spec["policyName"] == policy_name(item)
            assert spec["validationActions"] == actions
            selector = spec["matchResources"]["namespaceSelector"]
            assert selector == {"matchLabels": {f"{STAGE_LABEL}{item}": stage}}


def test_whoever_breaks_the_glass_is_warned_before_being_let_through() -> None:
    manifest = load_shipped_manifest()
    shipped = item_policies(parse_model(manifest))
    subject = {"kind": "Group", "name": "rescuers"}
    manifest["spec"]["breakGlass"].append({"subject": subject, "reason": "on call"})
    changed = item_policies(parse_model(manifest))
    names = [m["metadata"]["name"] for m in changed if m["kind"] == POLICY]
    for before, after in zip(shipped, changed, strict=True):
        if after["kind"] != POLICY:
            continue
        name = after["metadata"]["name"]
        # Both know the same subjects, from the model.
        assert "rescuers" in str(after["spec"])
        assert "rescuers" not in str(before["spec"])
        if name.endswith(".break-glass"):
            # The API server takes over what was written first no later than what comes then.
            assert names.index(name) < names.index(name.removesuffix(".break-glass"))
        else:
            # So a trial of this one proves both.
            first, then = (m["spec"]["validations"][0]["message"] for m in (before, after))
            assert first != then


@pytest.mark.parametrize("macro", [".exists(", ".all(", ".filter(", ".map("])
def test_whether_somebody_breaks_the_glass_is_told_without_going_through_a_list(macro: str) -> None:
    # Every request is asked that, once for each item in force, and lists are what costs in CEL.
    conditions = [
        condition["expression"]
        for manifest in item_policies(parse_model(load_shipped_manifest()))
        for condition in manifest["spec"].get("matchConditions", [])
    ]
    assert conditions
    assert not [text for text in conditions if macro in text]


def test_the_name_of_a_user_is_looked_for_in_all_lists_before_any_is_gone_through() -> None:
    standing = [
        variable["expression"]
        for manifest in item_policies(parse_model(load_shipped_manifest()))
        for variable in manifest["spec"].get("variables", [])
        if re.fullmatch(r"standing\d+", variable["name"])
    ]
    assert standing
    for text in standing:
        slow = min(text.index(".exists("), text.index("variables.listed"))
        assert text.rindex("('user:' + variables.user) in ") < slow
        assert text.count("('user:' + variables.user) in ") == text.count("variables.listed")


def test_only_what_is_in_namespaces_is_matched_where_a_label_chooses() -> None:
    # An object without a namespace matches every namespaceSelector; a Namespace has its own labels.
    for binding in of_kind(BINDING).values():
        if not binding["spec"]["matchResources"]["namespaceSelector"]:
            continue
        policy = of_kind(POLICY)[binding["spec"]["policyName"]]
        rules = binding["spec"]["matchResources"].get("resourceRules")
        for rule in rules or policy["spec"]["matchConstraints"]["resourceRules"]:
            kinds = {resource.partition("/")[0] for resource in rule["resources"]}
            assert rule["scope"] == "Namespaced" or kinds == {"namespaces"}


def test_every_policy_is_bound_and_every_binding_has_its_policy() -> None:
    assert {b["spec"]["policyName"] for b in of_kind(BINDING).values()} == set(of_kind(POLICY))


def test_nothing_knows_an_item_by_name() -> None:
    raw = load_shipped_manifest()
    names = [item["name"] for item in raw["spec"]["items"]]
    text = json.dumps(raw)
    for name in names:
        text = text.replace(f'"name": "{name}"', f'"name": "{name}-too"')
    renamed = rendered(parse_model(json.loads(text)), namespace=NAMESPACE, account=ACCOUNT)
    wanted = json.dumps(ALL)
    for name in names:
        wanted = re.sub(rf"(?<![a-z])({name})(?![a-z])", r"\1-too", wanted)
    assert _without_digests(json.dumps(renamed)) == _without_digests(wanted)


def _without_digests(text: str) -> list[str]:
    return re.sub(r"(probe [a-z-]+) [0-9a-f]{12}", r"\1", text).split('"')


def test_the_digest_is_of_the_content_and_not_of_the_place() -> None:
    def probes(manifests: list[Manifest]) -> dict[str, str]:
        return {
            name: policy["spec"]["validations"][0]["message"]
            for name, policy in of_kind(POLICY, manifests).items()
            if policy["spec"]["validations"][0]["message"].startswith("probe ")
        }

    elsewhere = rendered(MODEL, namespace="x", account="system:serviceaccount:x:y")
    assert probes(elsewhere) == probes(ALL)
    assert len(set(probes(ALL).values())) == len(probes(ALL)) > 9
    other = small({"name": "data", "reserved": [writes("secrets")]})
    assert probes(rendered(other, namespace=NAMESPACE, account=ACCOUNT)) != probes(ALL)


def test_the_digest_changes_with_any_part() -> None:
    spec = ALL[0]["spec"]
    changed = copy.deepcopy(spec)
    changed["validations"][0]["expression"] += " || true"
    assert digest(spec) != digest(changed)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m["spec"].update(failurePolicy="Ignore"), "spec.failurePolicy"),
        (lambda m: m["spec"]["validations"].pop(), "spec.validations"),
        (lambda m: m["spec"].update(paramKind={}), "spec.paramKind"),
        (lambda m: m["metadata"].update(name="x"), "is missing"),
        (lambda m: m.pop("spec"), "has been changed"),
    ],
)
def test_an_edited_policy_is_noticed(change: Any, said: str) -> None:
    live = copy.deepcopy(ALL)
    change(live[0])
    found = differences(live, ALL)
    assert len(found) == 1
    assert said in found[0]
    assert ALL[0]["metadata"]["name"] in found[0]


def test_labels_of_others_are_no_difference() -> None:
    live = copy.deepcopy(ALL)
    live[0]["metadata"]["labels"] = {"a": "b"}
    live[0]["status"] = {"observedGeneration": 1}
    assert differences([*live, {"kind": POLICY, "metadata": {"name": "other"}}], ALL) == []


def test_static_manifests_keep_to_the_api_servers_rules() -> None:
    manifests = static(MODEL, namespace=NAMESPACE, account=ACCOUNT)
    for manifest in manifests:
        assert manifest["metadata"]["name"].endswith(STATIC_SUFFIX)
        assert manifest["spec"].get("policyName", STATIC_SUFFIX).endswith(STATIC_SUFFIX)
    names = {m["metadata"]["name"] for m in manifests}
    # The operator writes their tables.
    assert not [name for name in names if name.startswith("responsibility-cluster-")]


def test_templates_hold_placeholders_for_the_place_and_nothing_else() -> None:
    text = json.dumps(templates(MODEL))
    assert set(re.findall(r"\$\([^)]*\)", text)) == {
        "$(operator-namespace)",
        "$(operator-account)",
    }
    assert installed(templates(MODEL), namespace=NAMESPACE, account=ACCOUNT) == ALL


def test_an_item_that_reaches_no_hub_has_no_policy() -> None:
    names = of_kind(POLICY)
    assert policy_name("kubernetes-upgrades") not in names
    assert policy_name("use-sessions") not in names
    assert "kubernetes-upgrades" in clustered(MODEL)


def test_an_item_must_not_be_named_like_a_policy_of_ours() -> None:
    model = small({"name": "record-owners", "reserved": [writes("secrets")]})
    with pytest.raises(ValueError, match=r"item record-owners: .* another name"):
        rendered(model, namespace=NAMESPACE, account=ACCOUNT)


@pytest.mark.parametrize(
    "title", ["it's", 'a "b"', "back\\slash", "{x}", "$(y)", "é – 北京", "a' + 'b"]
)
def test_titles_are_never_code(title: str) -> None:
    model = small({"name": "a", "title": title, "reserved": [writes("secrets")]})
    policy = of_kind(POLICY, rendered(model, namespace=NAMESPACE, account=ACCOUNT))[
        policy_name("a")
    ]
    said = policy["spec"]["validations"][1]["messageExpression"]
    assert title in policy["spec"]["validations"][1]["message"]
    inside = re.search(r" is item 1 \((?P<title>(?:[^'\\]|\\.)*)\) of ' \+", said)
    assert inside is not None
    assert re.sub(r"\\(.)", r"\1", inside["title"]) == title


@given(st.text())
def test_a_literal_is_one_string(text: str) -> None:
    literal = cel.text(text)
    assert json.loads(literal) == text
    assert "\n" not in literal


def test_the_clusters_tables_are_literals() -> None:
    names = ['user:a"b', "group:c\\d", "user:x') || true || ('", "like:^a$"]
    table = {
        "operate-cluster": ClusterEnforcement(AdmissionStage.DENY, names, "Ops\n<o@x.example>")
    }
    for policy in of_kind(POLICY, cluster_policies(MODEL, table)).values():
        variables = {v["name"]: v["expression"] for v in policy["spec"]["variables"]}
        literal = variables["owners"].removeprefix("dyn(").removesuffix(")")
        assert json.loads(literal) == {"operate-cluster": names}
        contacts = json.loads(variables["contacts"].removeprefix("dyn(").removesuffix(")"))
        assert contacts == {"operate-cluster": "Ops <o@x.example>"}


def test_what_is_not_patched_in_the_clusters_policies_stays() -> None:
    empty = of_kind(POLICY, cluster_policies(MODEL, {}))
    table = {"operate-cluster": ClusterEnforcement(AdmissionStage.DENY, ["user:a"], "Ops")}
    full = of_kind(POLICY, cluster_policies(MODEL, table))
    for name, policy in full.items():
        before, after = empty[name]["spec"], policy["spec"]
        assert before["matchConstraints"] == after["matchConstraints"]
        changed = {v["name"] for v in after["variables"] if v not in before["variables"]}
        assert changed <= set(TABLES)
        assert before["validations"][1] == after["validations"][1]
