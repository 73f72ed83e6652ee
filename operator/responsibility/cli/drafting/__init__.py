"""Drafts of records, from what the cluster has and from what an organisation knows of its hubs.

In reading order:

* ``hub_table``: an organisation's table of its hubs: names to show, contacts, groups;
* ``drafts``: the drafts, as YAML with remarks for whoever reviews them.
"""
