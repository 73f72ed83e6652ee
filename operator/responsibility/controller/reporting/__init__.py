"""Reporting: what the operator tells of what it found and did, and the writing of it.

In reading order:

* ``history``: the time since when each finding has been there;
* ``conditions``: the conditions of records and models;
* ``grant_status``, ``plan_status``: the parts of a status about grants and about plans;
* ``annotations``: annotations that name a hub's owners;
* ``events``, ``event_poster``: Events of what has changed, and the posting of them;
* ``metrics_table``: all metrics, declared once;
* ``metrics_collector``, ``metrics``: the state of things, and counts of what is done;
* ``metrics_page``: the page of all that, rendered once after a pass;
* ``writer``: the writer of all that is published;
* ``status_writer``: the statuses, written only where they differ.
"""
