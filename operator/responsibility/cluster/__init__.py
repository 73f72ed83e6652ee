"""Kubernetes I/O: everything that talks to an API server, and nothing that decides.

``client`` sends requests (raw JSON in and out, on the session of ``kubernetes.aio``),
``reflector`` keeps a local copy of one kind, ``reviews`` asks the server's authorizers,
``rights`` is the table of what the operator itself must be allowed to do, ``leader`` holds the
Lease, ``server`` waits for an API server and for our kinds to be there.
"""
