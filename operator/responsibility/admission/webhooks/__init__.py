"""Decisions about one admission request, as the webhooks take them.

In reading order:

* ``requester``: the user of a request, as ``policies.requester`` says it in CEL;
* ``values_ownership``: items that own a place in a hub's values;
* ``values_bounds``: ranges inside which a delegate may move a setting;
* ``values_decision``: the decision on a change of a hub's values;
* ``values_configuration``: the webhook that is asked for it, as a manifest;
* ``repeats``: reviews of one attempt, which count once;
* ``break_glass``: the webhook that is told of uses of the break-glass.
"""
