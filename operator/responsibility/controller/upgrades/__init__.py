"""Looking at what Kubernetes is run, by a right to list nodes.

In reading order:

* ``looking``: the worker that looks at it, now and again;
* ``transitions``: upgrades, told when they are seen.
"""
