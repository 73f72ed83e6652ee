"""Sources of answers: files or a cluster as a ``ClusterView``, and words as questions.

In reading order:

* ``options``: where to look, as every command takes it;
* ``yaml``, ``manifests``, ``offline``, ``default_roles``: from files to a view;
* ``live``: from a cluster to a view;
* ``cluster_view``, ``agreements``: the view, and the records in it;
* ``resource_types``, ``access_question``: what ``deploy/hub`` means, as ``kubectl auth can-i`` has
  it;
* ``audit_log``: the events of audit logs.
"""
