"""The state of a cluster as the operator knows it, and the changes that are made to it.

Requests are those of ``kube``; what they mean is decided in the packages below.

In reading order:

* ``custom_resources``: our own two kinds, as they came from the API server;
* ``knowledge``: reliability of the copies: what is left out, and what is old;
* ``moment``: one moment of a cluster: what is assessed, with the objects the answer is about;
* ``store``: everything that is known of the cluster, and snapshots of it;
* ``fresh_access_graph``: roles and bindings as the API server has them now;
* ``rights``, ``modes``: rights that the operator needs, and which mode takes which;
* ``switches``: switches of an operator that is installed;
* ``leftovers``, ``end_leftovers``: traces of ours that nobody expects, and their end;
* ``undo``: the file that takes a plan back;
* ``undo_form``, ``undo_wording``: the one form of that file, and the words for what it sends;
* ``apply_plan``: a plan, made step by step;
* ``undo_documents``: ConfigMaps with the way back from a revocation.
"""
