"""The smallest change that ends a finding, as a command where there is one."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from responsibility.cli.sources.cluster_view import ClusterView
from responsibility.cli.terminal.errors import counted
from responsibility.rbac.identity import canonical
from responsibility.rbac.objects import Binding, BindingKey, Subject

if TYPE_CHECKING:
    from responsibility.ownership.results.findings import Finding


def removal(binding: Binding, subject: Subject) -> str:
    """Return what takes the subject out of a binding: kubectl has no word for less than all."""
    # Quoted: names of RBAC objects may hold what a shell would run.
    key = binding.key
    alone = all(canonical(each) == subject for each in binding.subjects)
    where = f" -n {quote(key.namespace)}" if key.namespace else ""
    kind = "rolebinding" if key.namespace else "clusterrolebinding"
    return f"kubectl {'delete' if alone else 'edit'} {kind} {quote(key.name)}{where}"


def smallest_fix(view: ClusterView, finding: Finding) -> str:
    """Return what to do first."""
    from responsibility.ownership.results import wording

    keys = _bindings(finding)
    if finding.subject is None or not keys:
        return wording.remedy(finding)
    command = removal(view.graph.bindings[keys[0]], finding.subject)
    return command + (f", and {len(keys) - 1} more" if len(keys) > 1 else "")


def bindings_text(finding: Finding) -> str:
    """Return the bindings by which it is held; ``-`` for none."""
    keys = _bindings(finding)
    if len(keys) > 1:
        return f"{keys[0]} and {counted(len(keys) - 1, 'more binding')}"
    return str(keys[0]) if keys else "-"


def _bindings(finding: Finding) -> list[BindingKey]:
    return list(dict.fromkeys(s.binding for s in finding.sources if s.binding is not None))
