"""Administrators of a JupyterHub, as the hub itself tells them to a service that may only read.

In reading order:

* ``scopes``: the scopes that make an admin of whoever holds them;
* ``registration``: the operator's registration in a hub, and the scopes that it needs;
* ``answers``: the answers of the hub's REST API, checked as they come in;
* ``authenticators``: those that let anybody in, and those that keep capitals;
* ``administrators``: admins, each by what it is one, or the reason why that is not known;
* ``search``: the search for them in what the hub has answered.
"""
