"""``kubectl responsibility``: the answers of this project for a person at a terminal, and for CI.

Every command reads a *world*, from a cluster or from files, and lets ``ownership`` and ``rbac`` do
the thinking. Start-up time is part of the answer's time, so modules are imported where they are
needed: click always, pydantic with records, the client with a cluster, rich on a terminal.

In reading order:

* ``main``: the commands, and what becomes of errors;
* ``options``, ``trouble``, ``output``: what all commands share;
* ``manifests``, ``offline``, ``live``, ``world``: from files or a cluster to a world;
* ``types``, ``question``: what ``deploy/hub`` means, as ``kubectl auth can-i`` reads it;
* ``decision``: yes, no or unknown;
* ``commands``: one module a command.
"""
