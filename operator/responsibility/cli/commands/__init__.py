"""One module a command: what it asks of the view, and how it shows the answer.

A command is imported when it is called, and none imports another but ``render`` its two.

In reading order:

* ``matrix``, ``who_owns``, ``page``, ``split``: owners of items, over one hub or all;
* ``drift``, ``explain``: differences, and the whole story of one;
* ``who_can``, ``can_i``, ``subject``: rights, by permission or by subject;
* ``plan``, ``apply_plan``, ``handover``: changes of RBAC and records, and making them;
* ``close_gaps``: items that have to refuse together;
* ``leftovers``: traces of ours that nobody expects;
* ``init``, ``diff``, ``check``: records and manifests before they are applied;
* ``review``: a change to hubs' files before it is merged;
* ``model``: the model of a newer chart, held against one's own;
* ``render``, ``render_roles``, ``render_webhook``: objects to install;
* ``replay``: an audit log, held against the policies;
* ``completion``, ``version``: the completion of a shell, and versions.
"""
