"""A Kubernetes client that knows nothing of hubs: requests, watches, leadership, access reviews.

In reading order:

* ``errors``: failures, as few exceptions with one meaning each;
* ``protocol``: the client as callers see it, whichever it is;
* ``request_options``: a time to wait for each answer, and a listener to answers;
* ``login``: logging in, by a kubeconfig, a pod's account or a helper;
* ``object_reader``: JSON, read so that one odd object costs that object only;
* ``stream``: the bytes of a watch, as events;
* ``bodies``: bodies of requests and answers, as they are sent and read;
* ``client``: requests: raw JSON in and out, each with a time limit;
* ``fast_client``: the same for one short run, on the standard library alone;
* ``backoff``: waiting times between attempts;
* ``cache``, ``reflector``: a local copy of one kind, and what keeps it;
* ``access_reviews``: questions to the API server's own authorizers;
* ``token_reviews``: questions to its authenticators;
* ``readiness``: waiting for an API server, and for kinds to be served;
* ``leadership``: one of several replicas, by a Lease.
"""
