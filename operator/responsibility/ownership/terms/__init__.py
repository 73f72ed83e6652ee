"""Terms: what was agreed, by whom, for whom and until when.

In reading order:

* ``permission_index``: the permissions of a model, numbered, and sets of them;
* ``exemptions``: rights that a subject may hold without being drift;
* ``agreement``: the agreement of one hub: parties, items, owners;
* ``resolve``: the two resources, made into agreements;
* ``consents``: parties that have to agree to a change of an agreement;
* ``entitlement``: entitlements of each subject;
* ``fleet``: all agreements on one model, seen together;
* ``access_reviews``: the API server's own answers about declared subjects;
* ``managed_namespaces``: the namespaces in which people let the operator write;
* ``snapshot``: all of it at one moment, with the cluster's RBAC.
"""
