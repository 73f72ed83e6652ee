"""JupyterHub releases as they look in a cluster."""
