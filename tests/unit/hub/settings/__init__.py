"""Settings of a hub's chart, tried on JupyterHub's own classes: how far each reaches."""
