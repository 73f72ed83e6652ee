"""Plans in the controller: made beside the loop, shown, and carried out once approved.

In reading order:

* ``queue``: the worker that says which hub is planned for next;
* ``process``: the process that plans, as the operator asks it;
* ``worker``: the same from within;
* ``snapshot_delta``: changes of the cluster, as that process is told of them;
* ``revocation_conditions``: the table of what is done and said about an approval;
* ``revoker``: the worker that sees to every record;
* ``revocation``: one approved plan, carried out;
* ``revocation_proof``: proof by the API server of what that has ended;
* ``revocation_events``: Events about approved plans.
"""
