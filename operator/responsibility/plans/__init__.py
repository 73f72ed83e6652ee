"""Plans: the smallest set of changes of RBAC after which excess rights have really ended.

Pure: a snapshot and its assessment in, a `Plan` out. In reading order:

* ``change``: what a plan is made of; ``aim``: which rights it is to end;
* ``context`` and ``scopes``: what planning starts from, and where rights count;
* ``protect``: what no plan touches; ``simulate``: what the cluster is like after changes;
* ``search``: finds the changes, in a room of its own;
* ``planner``: searches until nothing is left; ``losses`` says who else loses what;
* ``deletions``: the part of a plan that the operator carries out; ``proof``: what to ask after it;
* ``handover``: passes items on, in a room of its own.
"""
