"""Sources of answers: files or a cluster as a ``ClusterView``, and words as questions.

In reading order:

* ``options``: options by which every command is told where to look;
* ``cluster_view``, ``agreements``: the view, and the records in it;
* ``location``: the places of objects in files;
* ``yaml``: YAML texts as plain values;
* ``kustomize``, ``folders``, ``manifests``: manifests out of kustomizations, folders, files and
  standard input;
* ``git``: Git, and the same files at another revision;
* ``default_roles``, ``aggregation``: roles that Kubernetes brings along, and those that it fills;
* ``offline``: the view that files make;
* ``live``: the view of a cluster;
* ``builtin_resource_types``, ``resource_types``, ``access_question``: the meaning of
  ``deploy/hub``, as ``kubectl auth can-i`` has it;
* ``audit_log``: the events of audit logs.
"""
