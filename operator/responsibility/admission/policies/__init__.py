"""Admission policies, rendered from a model: ValidatingAdmissionPolicies and their CEL.

In reading order:

* ``cel``: pieces of CEL in which a missing field is a value;
* ``field_paths``: paths into objects, as CEL;
* ``kinds``: kinds of objects whose fields a model may give to items;
* ``guards``: requests that an item's policy watches;
* ``requester``: the user of a request, held against the lists in a hub's Namespace;
* ``matched_requests``: CEL conditions for requests on an item's objects or fields;
* ``match_rules``: resource rules, as few as possible, by which the API server asks a policy;
* ``bounds``: ranges inside which a delegate may move a value;
* ``item_policies``: the policies of one item;
* ``cluster_policies``: the policies of what a cluster has only one of;
* ``self_protection``: policies that protect enforcement itself;
* ``operator_confinement``: the policy that confines the operator;
* ``manifests``: the objects, with every default written out;
* ``rendered``: all policies of a model, and how what lives in a cluster differs;
* ``coverage``: all that an API server offers to change, and what admission does about it.
"""
