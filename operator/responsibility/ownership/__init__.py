"""Entitlements on hubs, held against what the cluster allows.

Pure: a model, a record, the access graph and the time go in; findings come out.

In reading order:

* ``terms``: agreements: by whom, for whom and until when;
* ``results``: findings, states, and the words for them;
* ``access``: rights of subjects beyond what they are entitled to;
* ``claims``: records, matched with the hubs that they speak for;
* ``duties``: findings that need no RBAC;
* ``hub_admins``: admins of the hub itself, held against who should be one;
* ``hub_values``: settings of the hub, held against what is agreed;
* ``hub_release``: changes of the hub outside Helm, for the items that they belong to;
* ``cluster_versions``: versions of Kubernetes, for the item that nodes belong to;
* ``removed_apis``: API versions that upgrades remove, for the same item;
* ``past_end``: bindings that outlast the delegation they were granted for;
* ``assess_hub``: one hub's RBAC, held against its record;
* ``cluster_excess``, ``assess_cluster``: cluster-wide rights, held once against all records;
* ``item_results``: items with their states, for each hub and the cluster;
* ``cache``: the results of one pass that the next uses again;
* ``assess``: one pass: a snapshot in, an assessment out.
"""
