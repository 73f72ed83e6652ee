"""A soak: random changes and faults, and after each a look at whether all is as it should be.

``make soak`` runs it for a quarter of an hour, in every mode; ``test_soak`` for a moment in one.

In reading order:

* ``proxy``: what stands between an operator and the API server, and may fail;
* ``faults``: the table of what goes wrong;
* ``changes``: the table of what people change meanwhile;
* ``installations``: the modes, with one replica and with three;
* ``replicas``: operators that are started again when they end, as a node does;
* ``judge``, ``written``: what has to hold once it is quiet;
* ``phases``: one after the other, until time is up.
"""
