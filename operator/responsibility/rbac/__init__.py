"""Kubernetes RBAC as a small, pure library: who can do what, and by which binding.

Nothing in here knows of hubs, owners or a cluster connection. The live API server is the
oracle: ``tests/e2e/test_rbac_differential.py`` puts the same questions to both.

In reading order:

* ``objects``: the values that RBAC is made of, and the question and the answer;
* ``parse``: raw JSON of the API, as those values;
* ``validation``: refusals of them by a server;
* ``rules``: one rule, held against one request;
* ``identity``: a subject's user name, and the groups that come with it;
* ``index``: the rules that allow a request, without a look at each;
* ``by_namespace``: mappings whose changed copies share what didn't change;
* ``scope``: the bindings of one namespace, or of the cluster as a whole;
* ``graph``: all of it together: who holds a permission, and by which sources;
* ``control_planes``: identities that a cluster itself runs as, by what made it;
* ``escalation``: permissions that a subject doesn't hold and can obtain.
"""
