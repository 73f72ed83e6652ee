"""Values of a hub's chart: its settings, read as the hub reads them.

In reading order:

* ``paths``: paths and patterns of settings;
* ``yaml``: texts, read as the hub does, within bounds;
* ``difference``: differences between two versions, value by value;
* ``layers``: files of values, one over the other, as Helm puts them together;
* ``quantities``: quantities, as Kubernetes and JupyterHub write them;
* ``readable``: the settings that are no secrets, and may be looked at;
* ``images``: images of containers, by where they lie;
* ``agreed``: settings that people have agreed on, and whether they are so;
* ``secret``: the Secret that holds all of them.
"""
