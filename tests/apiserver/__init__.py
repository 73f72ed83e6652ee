"""The one fake API server of all tests that need no real one.

In the order in which it is best read: ``requests`` (what is asked and answered), ``objects`` (what
is stored, and how a write changes it), ``server`` (an answer to each request, and the faults that a
test wants), and the two ways to it: ``over_http`` on a socket, with pages and watches, and
``in_process``, where time is virtual and there can be no socket. ``lease`` is a Lease on it,
``fixtures`` has a server and a client for each test.

It is as good as unit tests need. What an API server does is decided on a real one (tests/e2e).
"""
