"""``kubectl responsibility``: the answers of this project for a person at a terminal, and for CI.

Every command reads a ``ClusterView``, from a cluster or from files, and lets ``ownership`` and
``rbac`` do the thinking. Start-up time is part of the answer's time, so modules are imported where
they are needed: click always, pydantic with records, the client with a cluster, rich on a terminal.

In reading order:

* ``main``: the commands, and what becomes of errors;
* ``sources``: files or a cluster as a ``ClusterView``, and words as questions;
* ``answers``: conclusions from a view, before they are shown;
* ``drafting``: drafts of records;
* ``selection``: a choice of what differs, and its order;
* ``review``: a change to files, and whose approval it needs;
* ``terminal``: tables, progress, errors and exit codes;
* ``commands``: one module a command.
"""
