"""What a JupyterHub release looks like in a cluster."""
