"""A Kubernetes client that knows nothing of hubs: requests, watches, leadership, access reviews."""
