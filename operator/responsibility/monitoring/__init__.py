"""Pure: alerts and dashboards over the operator's metrics, each declared once as a table.

``python -m tools.generate`` writes them where the chart ships them from. Nothing of it
runs in the operator.

In reading order:

* ``promql``: PromQL that expressions have in common;
* ``alert``: an alert, and how soon somebody has to act on it;
* ``hub_alerts``, ``operator_alerts``: the alerts about agreements, and about the operator itself;
* ``panels``: the parts of a dashboard, and panels that several have;
* ``fleet``, ``one_hub``, ``the_operator``: the dashboards;
* ``rules``: all alerts with links to these, as the file that Prometheus reads;
* ``inhibitions``: alerts that Alertmanager holds back for others;
* ``drawing``: the looks of each kind of panel;
* ``grafana``: all dashboards, as the JSON that Grafana reads.
"""
