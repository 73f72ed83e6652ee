"""Alerts and dashboards, judged by a real Prometheus that scrapes the real operator."""
