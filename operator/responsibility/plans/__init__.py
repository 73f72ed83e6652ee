"""Plans: the smallest set of changes of RBAC after which excess rights have really ended.

Pure: a snapshot and its assessment in, a `Plan` out.

In reading order:

* ``change``: changes of RBAC objects, of which a plan is made;
* ``aim``: the excess rights that it is to end;
* ``scopes``: scopes in which rights count;
* ``protect``: objects that no plan touches;
* ``simulate``: the access graph as it would be after changes;
* ``context``: the context that planning starts from;
* ``search``: the search for changes, in a room of its own;
* ``losses``: side effects: who else loses what;
* ``planner``: the planner, which searches until nothing is left;
* ``deletions``: the part of a plan that the operator carries out;
* ``proof``: questions to the API server after it;
* ``handover``: items that pass to another party, in a room of its own.
"""
