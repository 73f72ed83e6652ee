"""Webhooks: answers to the API server, given by every replica, whether it leads or not.

In reading order:

* ``hub_lookup``: the hubs of a namespace, known or looked up;
* ``turns``: turns of namespaces and users, so that nobody waits for a flood;
* ``values``: the answer about a change of a hub's values;
* ``break_glass``: an Event and a count for every use of the break-glass.
"""
