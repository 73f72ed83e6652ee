"""What to try next on the demo: commands that work as they stand, in this order.

The end-to-end test runs every one of them.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.padding import Padding
from rich.text import Text

from demo.background import Operator
from responsibility.api.names import PLUGIN
from tests.e2e.lab.cluster import Cluster

DEFAULT_NAME = "demo"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try: what it shows, and a command for a shell."""

    why: str
    command: str


def preparation(cluster: Cluster) -> str:
    """Return what a shell needs first."""
    lines = [f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}"]
    folders = []
    program = cluster.kubectl_program()
    if program != _on_path("kubectl"):
        folders.append(program.parent)
    # kubectl finds its plugins on the path.
    plugin = Path(sys.executable).parent / PLUGIN
    if plugin.exists() and _on_path(plugin.name) != plugin:
        folders.append(plugin.parent)
    if folders:
        named = ":".join(shlex.quote(str(folder)) for folder in folders)
        lines.append(f"export PATH={named}:$PATH")
    return "\n".join(lines)


def steps(operator: Operator, now: datetime) -> tuple[Step, ...]:
    """Return the things to try."""
    until = (now + timedelta(days=30)).strftime("%Y-%m-%dT00:00:00Z")
    return (
        Step(
            "Is it true? Ask the API server itself: may one hub's gateway read another hub's "
            "Secret?",
            "kubectl auth can-i get secrets/hub -n coast \\\n"
            "  --as=system:serviceaccount:leap-prod:traefik-dask-gateway",
        ),
        Step(
            "All that somebody who has left can still do, and by what.",
            "kubectl responsibility subject User former-engineer@example.org",
        ),
        Step(
            "Plan how that ends: the smallest set of changes on Coast. Nothing is changed yet.",
            "kubectl responsibility plan coast",
        ),
        Step(
            "See the split: how many items each party carries, over all hubs.",
            "kubectl responsibility split",
        ),
        Step(
            "Take the leaver's rights away: a second later, Coast is left with its overdue review.",
            "kubectl delete rolebinding former-engineer -n coast\nsleep 1; kubectl get resp",
        ),
        Step(
            "Extend the workshop's delegation: what LEAP's admins may do to the limits is agreed "
            "again.",
            "kubectl patch resp leap-prod --type=json -p '[{\n"
            '  "op": "add", "path": "/spec/items/0/delegates/0/until", '
            f'"value": "{until}"}}]\'\n'
            "sleep 1; kubectl get events -A --field-selector involvedObject.kind=Responsibility",
        ),
        Step(
            "Break a record: an owner that nobody has heard of. It says what to do.",
            "kubectl patch resp coast --type=json -p '[{\n"
            '  "op": "add", "path": "/spec/items/-", '
            '"value": {"name": "data", "owner": "nobody"}}]\'\n'
            "sleep 1; kubectl get resp coast \\\n"
            '  -o jsonpath=\'{.status.conditions[?(@.type=="Ready")].message}{"\\n"}\'',
        ),
        Step(
            "Read what a record can say, field by field.",
            "kubectl explain resp.spec.items.delegates",
        ),
        Step(
            "Count the findings as an alert would.",
            f"curl -s {operator.url}/metrics | grep '^responsibility_drift{{'",
        ),
    )


def tell(cluster: Cluster, operator: Operator) -> Iterator[Text | Padding]:
    """Yield the parts of the last chapter."""
    yield Text("The cluster stays up. In a shell:\n")
    yield _command(preparation(cluster))
    yield Text()
    for number, step in enumerate(steps(operator, datetime.now(UTC)), start=1):
        yield Text(f"{number}. {step.why}")
        yield _command(step.command)
        yield Text()
    named = "" if cluster.name == DEFAULT_NAME else f"DEMO_NAME={cluster.name} "
    yield Text("Watch from a second shell meanwhile, with the same two exports:")
    yield _command("kubectl get resp --watch")
    yield Text("\nStart over (it restores what you have changed), and take everything down:")
    yield _command(f"{named}make demo\n{named}make demo-down")
    yield Text("\nThe operator writes its log here:")
    yield _command(str(operator.log))


def _command(text: str) -> Padding:
    # Never wrapped by us: a command that is broken by a line's end is no command.
    return Padding(Text(text, style="bold", no_wrap=True, overflow="ignore"), (0, 0, 0, 3))


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found) if found else None
