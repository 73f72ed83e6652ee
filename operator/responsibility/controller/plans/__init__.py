"""Plans in the controller: made beside the loop, shown, and carried out once approved.

In reading order: ``queue`` says which hub is planned for next, ``process`` asks the process that
plans (``worker`` is it; ``snapshot_delta`` is what it is told of a change),
``revocation_conditions`` is the table of what is done and said about an approval, ``revoker`` sees
to every record, ``revocation`` carries out one plan, ``revocation_proof`` asks whether it has ended
anything, and ``revocation_events`` tells of it.
"""
