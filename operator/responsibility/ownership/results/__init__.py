"""Results of an assessment: findings, the states of items, and all of it together.

In reading order:

* ``facts``, ``findings``: what differs, in values;
* ``states``, ``assessment``: what that makes of items, hubs and the cluster;
* ``wording``: every sentence that is told of it.
"""
