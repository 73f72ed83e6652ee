"""Plans: the smallest set of changes of RBAC after which excess rights have really ended.

Pure: a snapshot and its assessment in, a `Plan` out. ``search`` finds changes: ``targets`` is what
has to go, ``work`` and ``build`` make changes of it, ``simulate`` says what the cluster would be
like after them, ``judge`` and ``part`` what would be left, ``guard`` what must not happen,
``spare`` what it can do without. ``protect`` knows what no plan may touch, ``keep``, ``given`` and
``narrow`` see to it that nobody loses what it is owed. ``planner`` searches until nothing is left,
``outcome`` says what that comes to, ``losses`` who else loses what. ``handover`` and ``transfer``
pass items on.
"""
