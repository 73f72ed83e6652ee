"""The chart as Helm renders and installs it, by either Helm."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "hub-responsibility"
NAMESPACE = "chart-test"
RELEASE = "hub-responsibility"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
GROUP = "responsibility.2i2c.org"
# A Helm that nobody has stamped takes itself for one of Kubernetes 1.20.
KUBERNETES = "1.37.0"
# The policies are ten thousand lines; the one in C reads them in a seventh of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Completed = subprocess.CompletedProcess[str]


def run_helm(helm: Path, *arguments: str, check: bool = True) -> Completed:
    """Run Helm; it has to succeed, unless that is not asked."""
    done = subprocess.run([helm, *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr[:4000]
    return done


def template(helm: Path, *arguments: str, check: bool = True) -> Completed:
    """Render the chart with these options."""
    versions = ("--kube-version", KUBERNETES, "--namespace", NAMESPACE)
    return run_helm(helm, "template", RELEASE, str(CHART), *versions, *arguments, check=check)


def rendered(helm: Path, *arguments: str) -> list[dict[str, Any]]:
    """Return what the chart renders with these options."""
    return [o for o in yaml.load_all(template(helm, *arguments).stdout, _LOADER) if o]


def only(objects: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """Return the only object of a kind, or of a kind and name."""
    (found,) = [o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return found


def flat(rules: list[dict[str, Any]]) -> set[tuple[str, str, str, str]]:
    """Return (API group, resource, name or "", verb) of all that the rules say."""
    return {
        (group, resource, name, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }
