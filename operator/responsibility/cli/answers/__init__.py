"""Conclusions from a cluster view, before they are shown.

In reading order: ``report`` (an assessment, ready to be shown), ``decision`` and ``requests`` (yes,
no or unknown), ``offline_uncertainty`` (what files can't tell), ``simulate`` and ``changes``
(before and after), ``subjects``, ``drafts``, ``plan_text`` and ``handover_text``; ``locations``,
``fixes`` and ``formats`` serve the commands that check.
"""
