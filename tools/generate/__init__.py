"""Generators of what is kept in the repository and made from the code (``make generate``).

In reading order:

* ``table``: each file, with what renders it;
* ``write_or_check``: writes the files that differ, or says which do;
* ``api_reference``, ``admission_reference``, ``cli_reference``, ``metrics_reference``,
  ``rights_reference``, ``values_reference``: pages of docs/reference;
* ``support``: docs/support.md, from what the tests are pinned to;
* ``unenforceable``: a section of docs/enforcement.md;
* ``chart_policies``, ``chart_roles``, ``chart_break_glass``, ``chart_values_webhook``: what the
  chart ships of the shipped model;
* ``versions``: the version, wherever it stands as a text;
* ``alert_rules``: the alerts for a Prometheus that is configured by other means than the chart.
"""
