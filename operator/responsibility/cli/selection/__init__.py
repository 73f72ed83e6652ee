"""A selection of what differs, and its order, as kubectl has them for objects.

In reading order:

* ``options``: options of commands, and the namespace of hubs;
* ``choice``: the table of what each compares;
* ``cluster_list``: lists of clusters, for what is asked of several;
* ``completion``: the names that a shell offers.
"""
