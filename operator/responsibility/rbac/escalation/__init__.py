"""Privilege escalation: how a subject that cannot do something makes itself able to.

In reading order: ``steps`` are what routes are made of, ``techniques`` is the table of what lets
one identity act as another, ``permissions`` finds who holds what a technique requires, ``edges``
who can act as whom by it, ``self_grants`` who can give itself rights by binding or editing roles
(``selectors`` reads what aggregates choose). ``graph`` puts these together as `EscalationGraph`,
and ``shortest_paths`` searches it.
"""
