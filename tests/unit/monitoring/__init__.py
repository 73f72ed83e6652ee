"""Alerts and dashboards."""
