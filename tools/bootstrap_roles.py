"""The table of the roles that Kubernetes makes by itself, version by version.

Written by ``make bootstrap-roles`` out of Kubernetes' own golden files, which its tests hold
against ``policy.go``, ``controller_policy.go`` and ``namespace_policy.go``
(``plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata``): with the feature gates that each
release has by default. Go brings them as a module and verifies it by its checksum database. An
object is written once for all versions that have the same; the first of them is named.

A release of Kubernetes is added by a line in ``RELEASES``. ``make test-long`` writes the table anew
and compares; every ``make test`` holds its newest version against a live API server.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

TABLE: Final = (
    Path(__file__).parents[1] / "operator/responsibility/cli/sources/bootstrap_roles.json"
)
# Each minor version by one of its patches, the oldest first.
RELEASES: Final = ("1.33.13", "1.34.4", "1.35.4", "1.36.3", "1.37.2")
_MODULE = "k8s.io/kubernetes"
_GOLDEN = Path("plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata")
# Not `…-featuregates`, which are of clusters that have switched everything on.
_FILES = tuple(
    f"{prefix}-{kind}.yaml"
    for prefix in ("cluster", "controller", "namespace")
    for kind in ("roles", "role-bindings")
)
_BOOTSTRAP = "kubernetes.io/bootstrapping"
Json = dict[str, Any]


def source(release: str) -> Path:
    """Return where Go has put this release's golden files. Raises CalledProcessError."""
    command = ("go", "mod", "download", "-json", f"{_MODULE}@v{release}")
    done = subprocess.run(  # noqa: S603 - versions of ours
        command, check=True, capture_output=True, text=True, cwd="/"
    )
    return Path(json.loads(done.stdout)["Dir"]) / _GOLDEN


def render(sources: Mapping[str, Path]) -> str:
    """Return the table of these releases, each with the folder of its golden files."""
    objects: dict[str, dict[str, Any]] = {}
    for release, folder in sources.items():
        there = dict(_objects(folder))
        for name in sorted({*objects, *there}):
            forms = objects.setdefault(name, {})
            latest = next(reversed(forms.values()), None)
            if there.get(name) != latest:
                forms[_minor(release)] = there.get(name)
    table = {
        "releases": {_minor(release): release for release in sources},
        "objects": dict(sorted(objects.items())),
    }
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def _minor(release: str) -> str:
    return release.rpartition(".")[0]


def _objects(folder: Path) -> Iterator[tuple[str, Json]]:
    for file in _FILES:
        text = (folder / file).read_text(encoding="utf-8")
        for raw in yaml.load(text, Loader=yaml.CSafeLoader)["items"]:
            metadata = raw["metadata"]
            name = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
            yield f"{raw['kind']} {name}", _short(raw)


def _short(raw: Json) -> Json:
    """Return an object in the few words that tell it from others."""
    labels = {k: v for k, v in (raw["metadata"].get("labels") or {}).items() if k != _BOOTSTRAP}
    found: Json = {"labels": labels} if labels else {}
    if "roleRef" in raw:
        found["to"] = f"{raw['roleRef']['kind']} {raw['roleRef']['name']}"
        found["subjects"] = [_subject(each) for each in raw.get("subjects") or ()]
    elif "aggregationRule" in raw:
        found["aggregates"] = [
            _only(selector, "matchLabels")
            for selector in raw["aggregationRule"]["clusterRoleSelectors"]
        ]
    else:
        found["rules"] = [_rule(each) for each in raw.get("rules") or ()]
    return found


def _only(raw: Json, key: str) -> Json:
    if set(raw) != {key}:
        raise ValueError(f"the table has no place for {sorted(raw)}")
    return dict(raw[key])


def _subject(raw: Json) -> str:
    name = "/".join(filter(None, (raw.get("namespace"), raw["name"])))
    return f"{raw['kind']} {name}"


def _rule(raw: Json) -> str:
    """Return a rule as ``verbs; groups; resources; names``, or ``verbs; URLs``; - is the core."""
    if "nonResourceURLs" in raw:
        return "; ".join((" ".join(raw["verbs"]), " ".join(raw["nonResourceURLs"])))
    groups = " ".join(group or "-" for group in raw["apiGroups"])
    parts = [" ".join(raw["verbs"]), groups, " ".join(raw["resources"])]
    if raw.get("resourceNames"):
        parts.append(" ".join(raw["resourceNames"]))
    return "; ".join(parts)


if __name__ == "__main__":
    TABLE.write_text(render({each: source(each) for each in RELEASES}), encoding="utf-8")
