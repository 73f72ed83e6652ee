"""The tour, docs/tour.md: commands run on the demo, and what a terminal shows of each.

``python -m demo tour`` runs them and writes the page; the end-to-end test runs them again and holds
the page to it. What differs from one run to the next – how old a finding is – is written as one
minute, and what would be too long for a page is left out, with an ellipsis in its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from demo import next_steps
from demo.terminal import Keep, excerpt, on_terminal
from tests.e2e.lab.cluster import Cluster
from tests.e2e.lab.directories import REPOSITORY

PAGE = REPOSITORY / "docs/tour.md"
_BEGIN, _END = "<!-- recorded by `make tour`: begin -->", "<!-- end -->"
_AGE = re.compile(r"(\bage: )\S+")


@dataclass(frozen=True, slots=True)
class Step:
    """A command, what it shows in one sentence, and which of its lines to keep (all without)."""

    why: str
    command: str
    keep: Keep = ()


STEPS = (
    Step(
        "Who owns what on one hub, and how it stands:",
        "kubectl responsibility matrix coast",
        (("Coast", 9), ("14 ", 3)),
    ),
    Step(
        "What differs from that, worst first, with the smallest fix and whom to call:",
        "kubectl responsibility drift coast",
        (("9b814a51f5", 6), ("9fbbab8028", 6), (r"\d+ causes", 1)),
    ),
    Step(
        "The whole story of one finding:",
        "kubectl responsibility explain 9b814a51f5",
        (("User former", 10), ("held by", 2), ("what would end it", 4), ("with the subject", 1)),
    ),
    Step(
        "Everybody who may do something, by every source (`--routes` adds who could come by it):",
        "kubectl responsibility who-can update secrets/hub -n coast",
    ),
    Step(
        "May somebody? Yes, no, or unknown where only an identity provider knows their groups:",
        "kubectl responsibility can-i patch deploy/hub -n leap-prod --as ann",
    ),
    Step(
        "All about somebody who leaves:",
        "kubectl responsibility subject user former-engineer@example.org",
    ),
    Step(
        "The same from files, for a pull request, with exit code 1 where something differs:",
        "kubectl get rolebindings former-engineer -n coast -o yaml > change.yaml\n"
        "kubectl get resp,respmodel,deploy -A -o yaml > hubs.yaml\n"
        "kubectl responsibility check -f hubs.yaml -f change.yaml",
        (("high ", 3),),
    ),
)


def record(cluster: Cluster) -> str:
    """Run the commands, and return the tour as it stands in the page."""
    return "\n\n".join(f"{step.why}\n\n```\n{_shown(cluster, step)}\n```" for step in STEPS)


def written() -> str:
    """Return the tour that is in the page now."""
    return _split()[1]


def write(cluster: Cluster) -> None:
    """Put the tour into the page."""
    before, _, after = _split()
    text = f"{before}{_BEGIN}\n\n{record(cluster)}\n\n{_END}{after}"
    PAGE.write_text(text, encoding="utf-8")


def _split() -> tuple[str, str, str]:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    own, _, after = rest.partition(_END)
    return before, own.strip("\n"), after


def _shown(cluster: Cluster, step: Step) -> str:
    output = on_terminal(f"{next_steps.preparation(cluster)}\n{step.command}")
    prompts = [f"$ {line}" for line in step.command.splitlines()]
    shown = excerpt(_AGE.sub(r"\g<1>1m", output), step.keep, of=step.command)
    return "\n".join([*prompts, *shown])
