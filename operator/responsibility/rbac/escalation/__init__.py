"""Privilege escalation: how a subject that cannot do something makes itself able to.

In reading order:

* ``steps``: the steps that routes are made of;
* ``technique``: one of the ways to come to act as another, and what it takes;
* ``techniques``: the table of them, by the kind of identity;
* ``techniques_into``: those of the table that lead into one identity;
* ``permissions``: holders of what a technique requires;
* ``edges``: the identities that each can act as;
* ``selectors``: label selectors, by which roles aggregate others;
* ``self_grants``: rights that one can give oneself by binding or editing roles;
* ``shortest_paths``: the search for the shortest routes;
* ``graph``: all of it together, as `EscalationGraph`.
"""
