"""Access: what subjects can do, or can obtain, beyond what they are entitled to.

In reading order:

* ``grant_masks``: holders of a model's permissions, as bit masks;
* ``shortfall``: permissions that an owner lacks;
* ``policy_bypass``: rights to change what is agreed, or what enforces it;
* ``escalation_findings``: findings about permissions that can be obtained;
* ``escalations``: the search for them, in a hub and in the cluster;
* ``escalation_cache``: results of that search, kept between passes;
* ``cluster_rights``: cluster-wide rights of one subject, but for what is exempt;
* ``side_ways``: the smallest sets of items that leave no way around what is refused;
* ``refusals``: refusals of one model, the same for many hubs;
* ``hub_refusals``: refusals of admission on one hub, and what somebody may ask for at all;
* ``hollow``: items that are to refuse, and are got round by others;
* ``hub_service_accounts``: the ServiceAccounts of one hub, told of once.
"""
