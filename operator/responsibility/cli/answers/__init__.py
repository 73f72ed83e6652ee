"""Conclusions from a cluster view, before they are shown.

In reading order:

* ``report``: an assessment, ready to be shown;
* ``published``: the same for who may not list RBAC, out of statuses;
* ``decision``, ``requests``: yes, no or unknown: of one question, and of a list of reviews;
* ``offline_uncertainty``: findings downgraded by what files can't tell;
* ``simulate``, ``changes``: a view with changes made, and what differs between two;
* ``action``: the permissions of a model that an action uses;
* ``subjects``: all about one subject;
* ``fixes``: remedies, as commands or as the plan to ask for;
* ``plan_text``, ``handover_text``: plans and handovers, told so that a person can decide;
* ``locations``: places of findings in the files;
* ``formats``: the answers of ``check``, for machines.
"""
