"""Pure: what a model and a record become in admission – policies, stages, decisions.

It renders and judges; it imports neither kopf nor the Kubernetes client, and reads no clock.

In reading order:

* ``annotation_entries``: entries of the lists by which Namespaces tell policies who owns what;
* ``policies``: ValidatingAdmissionPolicies, rendered from a model;
* ``object_items``: items that a change of one object belongs to, by the same guards;
* ``stages``: stages of each item on each hub, and the reasons why they are no higher;
* ``webhooks``: decisions about one request, where no policy can take them.
"""
