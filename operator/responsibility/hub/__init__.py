"""JupyterHub releases as they look in a cluster.

In reading order:

* ``discovery``: releases, found by the labels of their Deployments;
* ``values``: the settings of a release;
* ``sessions``: sessions: images that they run, and cloud identities;
* ``release``: a release as it was deployed, and changes since;
* ``admins``: administrators of a hub, by its own word.
"""
