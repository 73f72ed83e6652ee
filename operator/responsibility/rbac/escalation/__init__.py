"""Privilege escalation: how a subject that cannot do something makes itself able to.

In reading order:

* ``steps``: the steps that routes are made of;
* ``techniques``: the table of what lets one identity act as another;
* ``permissions``: holders of what a technique requires;
* ``edges``: the identities that each can act as;
* ``selectors``: label selectors, by which roles aggregate others;
* ``self_grants``: rights that one can give oneself by binding or editing roles;
* ``shortest_paths``: the search for the shortest routes;
* ``graph``: all of it together, as `EscalationGraph`.
"""
