"""What ``make demo`` tells: who owns what, what is wrong, by whom, since when, and whom to call.

Everything comes from what the operator has published, see `facts`; here it is only arranged.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from demo import next_steps
from demo.background import Operator
from demo.facts import Facts, read
from demo.labels import Manifest
from responsibility.api.names import KEY_PREFIX
from responsibility.ownership.results.findings import KINDS
from responsibility.ownership.results.severity import Severity
from tests.e2e.lab.cluster import Cluster

WIDTH = 100
_STYLES = {"drift": "bold red", "ok": "green", "overdue": "yellow", "unknown": "magenta"}
_CALM = "dim"
# A few of the metrics, each by the beginning of its line in what Prometheus reads.
_METRICS = (
    "responsibility_records ",
    "responsibility_unrecorded_hubs ",
    "responsibility_rbac_enforced ",
    'responsibility_drift{hub="",',
    'responsibility_drift{hub="atlas"',
    'responsibility_item_owner_info{contact="hub-leads@leap.example"',
    'responsibility_break_glass_subjects{declared="false"}',
    'responsibility_exempt_subjects{hub=""',
    "responsibility_evaluator_disagreements_total ",
    "responsibility_writes_total{",
)


def tell(cluster: Cluster, operator: Operator) -> None:
    """Print the whole story; without colours where nobody sees them."""
    console = Console(highlight=False, emoji=False, markup=False)
    console.width = min(WIDTH, console.width) if console.is_terminal else WIDTH
    facts = read(cluster, operator)
    chapters = (
        ("Who owns what", _matrix(facts)),
        ("What differs from that: the whole cluster", _cluster(facts)),
        ("What differs from that: hub by hub", _hubs(facts)),
        ("Who passes every check", _let_through(facts)),
        ("As kubectl shows it", _kubectl(facts)),
        ("As Prometheus reads it", _metrics(facts, operator)),
        ("What to try next", next_steps.tell(cluster, operator)),
    )
    with console.capture() as told:
        for title, parts in chapters:
            console.print()
            console.print(Rule(f"{title} ", align="left", style="bold"))
            for part in parts:
                console.print(part)
    # Tables are filled up with spaces, which would be in the way of whoever copies a line.
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in told.get().splitlines()))


Part = Text | Table | Padding


def _matrix(facts: Facts) -> Iterator[Part]:
    yield Text(
        "Agreed for each hub and recorded in the cluster: the owner of each kind of action, the "
        "parties it is delegated to (+), and how that stands against what people can really do.\n"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("#", justify="right", min_width=2)
    table.add_column("item", no_wrap=True, min_width=22)
    for record in facts.records:
        table.add_column(Text(record["spec"]["hub"]["displayName"]))
    for item in facts.items():
        cells = (_cell(record["status"], item.name) for record in facts.records)
        table.add_row(str(item.number), item.title or item.name, *cells)
    yield table
    yield Text.assemble(
        *(
            part
            for state, meaning in (
                ("ok", "held against RBAC, and as agreed"),
                ("drift", "somebody can do too much, or an owner too little; how often, see below"),
                ("recorded", "agreed; there is nothing in Kubernetes to hold it against"),
                ("overdue", "the date to look at the agreement again has passed"),
            )
            for part in ((f"{state:>9}", _STYLES.get(state, _CALM)), f"  {meaning}\n")
        )
    )


def _cell(status: Manifest, name: str) -> Text:
    """Return how an item stands, and who has it; a status leaves out what is only agreed."""
    told: Manifest = next((i for i in status["items"] if i["name"] == name), {"state": "recorded"})
    state = told["state"]
    count = f" {told['findings']}" if state == "drift" else ""
    (owner,) = _parties(status["owners"], name)
    shared = "".join(f"\n+ {party}" for party in _parties(status.get("delegates", {}), name))
    return Text.assemble((state + count, _STYLES.get(state, _CALM)), f" {owner}{shared}")


def _parties(told: Mapping[str, str], item: str) -> list[str]:
    return [party for party, items in told.items() if item in items.split(", ")]


def _cluster(facts: Facts) -> Iterator[Part]:
    yield Text(
        "Rights that come from ClusterRoleBindings hold on every hub at once. They are looked at "
        "once for the cluster, and counted once.\n"
    )
    yield from _causes(facts, facts.model)


def _hubs(facts: Facts) -> Iterator[Part]:
    for record in sorted(facts.records, key=_severity):
        hub, status = record["spec"]["hub"], record["status"]
        yield Text.assemble(
            (hub["displayName"], "bold"),
            f" ({status['hub']}): {status['drift']['total']} findings of its own; "
            f"{status['clusterFindings']} of those above touch it too\n",
        )
        yield from _causes(facts, record)


def _severity(record: Manifest) -> int:
    """Return how bad the worst cause of a record is; 1 is the worst, and the first listed."""
    causes = record["status"].get("causes", ())
    return min((Severity[cause["severity"].upper()] for cause in causes), default=99)


def _causes(facts: Facts, owner: Manifest) -> Iterator[Part]:
    """Yield one block for each cause, in the status's order: worst first."""
    status = owner["status"]
    titles = {item.name: item.title or item.name for item in facts.items()}
    causes = status.get("causes", ())
    for cause in causes:
        kind = KINDS[cause["kind"]]
        style = "bold red" if kind.drift else "bold yellow"
        yield Text.assemble("  ", (kind.name, style), f": {kind.title}")
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column(style=_CALM, no_wrap=True)
        table.add_column(overflow="fold")
        for label, text in _lines(facts, owner, cause, titles):
            table.add_row(label, Text(text))
        yield Padding(table, (0, 0, 1, 4))
    if status.get("truncated"):
        yield Text(f"  and {status['truncated']} more findings, left out of the status\n")
    if not causes:
        yield Text("  nothing\n")


def _lines(
    facts: Facts, owner: Manifest, cause: Manifest, titles: dict[str, str]
) -> Iterator[tuple[str, str]]:
    subject = cause.get("subject")
    yield "who", _subject(subject) if subject else facts.party(owner, cause.get("party", ""))
    yield "items", ", ".join(titles[item] for item in cause["items"] if item in titles)
    yield "what", cause["message"]
    if bindings := cause.get("bindings"):
        yield "by", "; ".join(bindings)
    since = datetime.fromisoformat(cause["since"])
    yield "seen", f"first at {since:%Y-%m-%d %H:%M} UTC"
    yield "call", cause.get("contact") or "nobody: no contact is recorded"
    yield "to end it", cause["remedy"]


def _subject(subject: Manifest) -> str:
    namespace = subject.get("namespace")
    return f"{subject['kind']} {namespace + '/' if namespace else ''}{subject['name']}"


def _let_through(facts: Facts) -> Iterator[Part]:
    yield Text("Break glass: whoever may do everything is listed, whether that is right or not.\n")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in ("who", "by", "is that right?"):
        table.add_column(heading, overflow="fold")
    found = [cause.get("subject") for cause in facts.model["status"].get("causes", ())]
    for entry in facts.model["status"].get("breakGlass", ()):
        by = "; ".join(_unique(s.partition(" to ")[0] for s in entry.get("sources", ())))
        verdict = "it is entitled, or exempt"
        if entry["declared"]:
            verdict = "named in the model"
        elif entry["subject"] in found:
            verdict = "no: a finding, see above"
        table.add_row(Text(_subject(entry["subject"])), Text(by or "nothing here"), verdict)
    yield table
    total = facts.model["status"]["exempt"]
    per_hub = {
        labels["hub_namespace"]: int(value)
        for labels, value in facts.metric("exempt_subjects")
        if labels["hub_namespace"]
    }
    counts = ", ".join(f"{number} on {hub}" for hub, number in per_hub.items())
    yield Text(
        f"Exempt: {total} identities of the cluster, such as the control plane's own controllers; "
        f"and the hubs' own accounts, {counts}. They hold something reserved and are let through. "
        f"The model's {len(facts.model['spec']['exemptions'])} exemptions say whom and why."
    )


def _kubectl(facts: Facts) -> Iterator[Part]:
    for kind, printed in facts.tables.items():
        yield Text(f"$ kubectl get {kind}", style="bold")
        yield Text(f"{printed}\n", no_wrap=True, overflow="ignore")
    metadata = facts.deployment["metadata"]
    yield Text(f"Annotations of Deployment {metadata['name']} in {metadata['namespace']}:")
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in sorted(metadata["annotations"].items()):
        if key.startswith(KEY_PREFIX):
            # A comma is followed by nothing, for programs; people read it better with a space.
            table.add_row(key, Text(value.replace(",", ", ") if "owners" in key else value))
    yield Padding(table, (0, 0, 0, 1))


def _metrics(facts: Facts, operator: Operator) -> Iterator[Part]:
    yield Text(f"A few lines of {operator.url}/metrics:\n")
    for start in _METRICS:
        lines = (line for line in facts.metrics.splitlines() if line.startswith(start))
        for line in itertools.islice(lines, 1):
            # With room between labels, so that it can be broken.
            yield Padding(Text(line.replace('",', '", ')), (0, 0, 0, 2))


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
