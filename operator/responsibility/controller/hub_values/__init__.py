"""Looking at hubs' values where settings are agreed on, by a right on one Secret of each hub.

In reading order:

* ``looking``: the worker that looks at all of them, now and again.
"""
