"""Admission, put in force: policies and Namespaces as records ask for, and proof that they work.

In reading order:

* ``enforcement``: the worker: gathers, has it written, and has it proved;
* ``policies``: the policies that live in the cluster, held against those of a model;
* ``namespaces``: labels and annotations of hubs' Namespaces;
* ``markers``: a marker for each date at which a delegation ends;
* ``cluster_policies``: the policies into which owners are written;
* ``prober``: attempts at what must be refused;
* ``enforcement_status``: the result for one record, and how it is told;
* ``enforcement_events``: Events, when that result changes.
"""
