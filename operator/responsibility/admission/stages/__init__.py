"""Stages: how far each item is enforced on each hub, and what keeps it from going further.

In reading order:

* ``exempt_entries``: exemptions, as policies compare them with the user of a request;
* ``namespace_annotations``: annotations by which a hub's Namespace tells policies of each item;
* ``namespace_keys``: labels and annotations of a Namespace, as they are and as they should be;
* ``blockers``: the table of reasons why a stage cannot be raised;
* ``shared_namespace``: releases that share a namespace, and which of their records speak;
* ``namespace_stages``: the stage of each item on each hub;
* ``cluster_stages``: stages of what the cluster has only one of.
"""
