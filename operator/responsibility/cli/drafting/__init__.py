"""Drafts of records, from what the cluster has and from what an organisation knows of its hubs.

In reading order:

* ``hub_table``: an organisation's table of its hubs: names to show, contacts, groups;
* ``cluster_files``: the same out of its own files of clusters and hubs;
* ``settings``: sizes that hubs give to sessions today;
* ``user_namespaces``: namespaces that a hub makes for its users;
* ``drafts``: the drafts, as YAML with remarks for whoever reviews them.
"""
