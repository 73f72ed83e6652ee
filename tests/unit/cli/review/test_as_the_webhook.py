"""A review and the webhook answer the same, asked of the same change by the same user."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from responsibility.admission.stages.namespace_annotations import hub_annotations, item_keys
from responsibility.admission.stages.namespace_keys import NamespaceKeys
from responsibility.admission.webhooks.requester import UserInfo
from responsibility.admission.webhooks.values_decision import ValuesUpdate
from responsibility.api.names import STAGE_LABEL
from responsibility.api.parse import load_shipped_model, parse_record
from responsibility.api.stages import AdmissionStage
from responsibility.cli.review.agreements import Agreements
from responsibility.cli.review.author import Author
from responsibility.cli.review.judgement import TreeComparison
from responsibility.cli.review.layout import LayoutReader
from responsibility.cli.review.trees import FolderTree
from responsibility.hub.values.secret import difference
from tests.unit.cli.review.organisation import text, write
from tests.unit.hub.values.values import VALUES, secret

NOW = datetime(2026, 2, 15, tzinfo=UTC)
MODEL = load_shipped_model()
PATHS = sorted({path for item in MODEL.spec.items for path in item.values_paths})
RECORD = parse_record(
    {
        "apiVersion": "responsibility.2i2c.org/v1alpha1",
        "kind": "Responsibility",
        "metadata": {"name": "reef"},
        "spec": {
            "hub": {"namespace": "reef", "release": "reef"},
            "parties": [
                {"name": "community", "subjects": [{"kind": "Group", "name": "leads"}]},
                {"name": "provider", "subjects": [{"kind": "Group", "name": "engineers"}]},
                {"name": "guests", "subjects": [{"kind": "User", "name": "guest"}]},
            ],
            "items": [
                {
                    "name": "kubernetes-configuration",
                    "delegates": [
                        {
                            "party": "community",
                            "until": "2026-03-01T00:00:00Z",
                            "bounds": [
                                {"path": "singleuser.memory.limit", "min": "1G", "max": "8G"},
                                {"path": "singleuser.cpu", "max": "2"},
                            ],
                        }
                    ],
                },
                {"name": "basic-environment", "delegates": [{"party": "guests"}]},
                {
                    "name": "data",
                    "delegates": [{"party": "guests", "until": "2026-01-01T00:00:00Z"}],
                },
            ],
        },
    }
)
USERS = [
    UserInfo("lea", ("leads",)),
    UserInfo("ann", ("engineers",)),
    UserInfo("guest", ()),
    UserInfo("guest", ("leads",)),
    UserInfo("sam", ()),
    UserInfo("system:serviceaccount:reef:hub", ("system:serviceaccounts:reef",)),
]
SCALARS = st.sampled_from([True, 0, 1, 3, 0.5, "1G", "4G", "9G", "2", "x", "", [], {}, ["a"]])
SETTINGS = st.lists(st.tuples(st.sampled_from(PATHS), SCALARS), max_size=6)


def no_nulls(value: Any) -> Any:
    """Return a value without nulls in maps: those end defaults, which only the chart knows."""
    if isinstance(value, dict):
        return {key: no_nulls(below) for key, below in value.items() if below is not None}
    return [no_nulls(below) for below in value] if isinstance(value, list) else value


def built(chosen: list[tuple[str, Any]], beside: Any) -> dict[str, Any]:
    """Return values in which these settings are, a star each with a name or one entry."""
    values: dict[str, Any] = {"beside": beside}
    for path, value in chosen:
        *above, last = path.replace("[*]", "").replace("*", "x").split(".")
        below = values
        for key in above:
            known = below.setdefault(key, {})
            below[key] = below = known if isinstance(known, dict) else {}
        below[last] = value
    # Made anew, so that nothing is the same object twice: it would be written as an alias.
    whole: dict[str, Any] = no_nulls(_with_lists(values, ""))
    return whole


def _with_lists(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    inside = {key: _with_lists(below, f"{path}.{key}") for key, below in value.items()}
    is_list = path.endswith((".profileList", ".initContainers", ".extraContainers"))
    return [inside] if is_list else inside


@given(old=SETTINGS, new=SETTINGS, beside=st.tuples(VALUES, VALUES), user=st.sampled_from(USERS))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_difference(
    old: Any, new: Any, beside: tuple[Any, Any], user: UserInfo, tmp_path: Path
) -> None:
    before, after = built(old, beside[0]), built(new, beside[1])
    reviewed = _reviewed(before, after, user, tmp_path)
    agreement = reviewed.agreements.of_hub(next(iter(reviewed.before.hubs))).agreement
    guard = reviewed.agreements.default_model("").guard
    notes = dict(hub_annotations(agreement))
    for name in guard.items:
        notes.update(item_keys(agreement, agreement.item(name), NOW).annotations)
    said = NamespaceKeys({STAGE_LABEL + name: AdmissionStage.DENY for name in guard.items}, notes)
    webhook = ValuesUpdate(guard, said, "reef", "hub", user, NOW)
    decided = webhook.judge(difference(secret(before), secret(after)))
    needed = reviewed.judge().needed
    assert decided.allowed is (not needed)
    assert {item.name for item in decided.items} == {name for line in needed for name in line.items}


def _reviewed(old: Any, new: Any, user: UserInfo, folder: Path) -> TreeComparison:
    listing = "hubs: [{namespace: reef, values: [v.yaml], chart: jupyterhub}]\n"
    trees = [
        FolderTree(write(folder / name, {"v.yaml": text(values), "hubs.yaml": listing}), name)
        for name, values in (("before", old), ("after", new))
    ]
    reader = LayoutReader()
    listed = reader.file(trees[0], "hubs.yaml")
    before, after = (reader.layout(tree, listed) for tree in trees)
    agreements = Agreements(before, live_records=[RECORD], live_models={"2i2c": MODEL})
    author = Author(user.user, user=user)
    return TreeComparison(trees[0], trees[1], before, after, agreements, author, NOW, reader)
