"""Handover: an item goes to another party, step by step.

In reading order: ``record_patch`` is what changes in the record, ``simulation`` the cluster at each
step, ``entitlements`` what an item means for both parties, ``steps`` all of it.
"""
