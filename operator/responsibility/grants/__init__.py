"""RBAC that the operator grants for items: roles, the bindings to them, and what differs.

In reading order:

* ``item_roles``: the ClusterRoles that items are granted by;
* ``binding``: a grant: one binding, as it should be and as it is;
* ``desired``: the bindings that should be there, and why some can't be;
* ``diff``: the steps from those that are there, in an order that leaves no gap;
* ``forecast``: the bindings that a record would bring, for whoever prepares a handover.
"""
