"""Ownership of the actions on a JupyterHub: recorded, shown, checked and enforced.

``docs/architecture.md`` says which package does what and which may import which.

In reading order:

* ``api_groups``: the API groups of Kubernetes that the code speaks of;
* ``subject_kinds``: the kinds of subject of RBAC;
* ``phrases``: phrases that count, such as "a, b and 3 more";
* ``shell``: names as arguments of commands that are shown to be pasted;
* ``rbac``: Kubernetes RBAC: who can do what, and who can obtain what;
* ``api``: the two resources, as people write them;
* ``hub``: JupyterHub releases as they look in a cluster;
* ``upgrades``: versions of Kubernetes, and whether they fit each other;
* ``ownership``: entitlements, held against what the cluster allows;
* ``plans``: the smallest changes that end what is too much;
* ``admission``: the policies that refuse what is not agreed;
* ``grants``: the RBAC that gives owners what is agreed;
* ``replay``: the policies, held against an audit log;
* ``monitoring``: alerts and dashboards;
* ``web``: the page for people;
* ``hub_page``: the page as a service of a hub;
* ``kube``: a Kubernetes client that knows nothing of hubs;
* ``cluster``: the state of a cluster, and changes made to it;
* ``controller``: the operator;
* ``cli``: ``kubectl responsibility``.
"""
