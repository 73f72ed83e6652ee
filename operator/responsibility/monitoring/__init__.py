"""Pure: alerts and dashboards over the operator's metrics, each declared once as a table.

``python -m tools.generate`` writes them where the chart ships them from. Nothing of it
runs in the operator.
"""
