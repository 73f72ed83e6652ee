"""Versions of a cluster's Kubernetes, and what an upgrade of it asks for.

In reading order:

* ``versions``: versions of the API server and the nodes' kubelets, and whether they fit;
* ``removals``: API versions that Kubernetes has removed;
* ``node_table``: lists of nodes as tables, of which only the kubelets' versions are read.
"""
