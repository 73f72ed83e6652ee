"""Plans: the smallest set of changes of RBAC after which excess rights have really ended.

Pure: a snapshot and its assessment in, a `Plan` out. ``planner`` finds it, ``simulate`` says what
the cluster would be like after it, ``protect`` knows what no plan may touch, ``keep`` and
``narrow`` see to it that nobody loses what it is owed, ``losses`` says who else loses what.
"""
