"""Grants in the controller: made beside the loop, as each assessment wants them.

In reading order:

* ``granter``: the worker: what differs, and when it is tried again;
* ``writer``: the writes, and what came of each.
"""
