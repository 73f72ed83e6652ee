"""Results of an assessment: findings, the states of items, and all of it together.

In reading order:

* ``facts``: values of a finding, which differ from kind to kind;
* ``severity``: severities of excess access, on one scale;
* ``findings``: differences between the record and the cluster;
* ``causes``: causes that several findings share;
* ``contacts``: parties to call about a finding;
* ``assessment``: the result for each hub, the cluster and every item;
* ``states``: the state of each item, concluded from findings;
* ``published``: the same as the operator has written it into statuses;
* ``value_wording``: words for settings that were agreed on;
* ``version_wording``: words for versions of Kubernetes;
* ``release_wording``: words for changes outside Helm;
* ``admin_wording``: sentences about admins of the hub itself;
* ``wording``: every sentence that is told of it, in the words of RBAC;
* ``plain_wording``: the same for those who don't know Kubernetes;
* ``plain_remedies``: remedies in the same words, by kind.
"""
