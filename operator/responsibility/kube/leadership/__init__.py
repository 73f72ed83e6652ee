"""Leadership of one replica among several, by a Lease.

In reading order:

* ``lease_seal``: the marks that candidates leave on a Lease;
* ``campaign_thread``: the thread in which it is renewed;
* ``leader_election``: the Lease acquired, held and given back, and the fence of all writes.
"""
