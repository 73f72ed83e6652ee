"""The permissions of a model that an action uses, on one hub."""

from __future__ import annotations

from responsibility.cli.sources.access_question import AccessQuestion
from responsibility.ownership.terms.agreement import Agreement
from responsibility.ownership.terms.permission_index import Atom, Names, mask_of
from responsibility.rbac.objects import Attributes

_ANY = "*"


def mask_of_action(agreement: Agreement, asked: AccessQuestion) -> int:
    """Return the model's permissions that doing this uses, as a mask over its questions."""
    questions, names = agreement.terms.questions, agreement.names
    namespaced = asked.type is None or asked.type.namespaced
    return mask_of(
        bit
        for bit, atom in enumerate(questions.atoms)
        if _is(atom, asked.attributes, names) and _there(atom, asked, names, namespaced=namespaced)
    )


def _is(atom: Atom, asked: Attributes, names: Names) -> bool:
    pairs = (
        (atom.verb, asked.verb),
        (atom.group, asked.group),
        (atom.resource, asked.resource),
        (atom.subresource, asked.subresource),
    )
    # A permission without a name is about all names; a question without one, too.
    name = names.fill(atom.name)
    if name and asked.name and name != asked.name:
        return False
    return all(_ANY in pair or pair[0] == pair[1] for pair in pairs)


def _there(atom: Atom, asked: AccessQuestion, names: Names, *, namespaced: bool) -> bool:
    """Whether the permission is asked where the action happens."""
    where = names.fill(atom.namespace)
    if not namespaced:
        return True
    # Without a namespace, the hub's own is meant.
    return where == (asked.attributes.namespace or names.namespace)
