"""Handover: an item goes to another party, step by step.

In reading order:

* ``record_patch``: changes in the record;
* ``simulation``: the cluster at each step;
* ``entitlements``: the meaning of an item for both parties;
* ``steps``: the whole handover.
"""
