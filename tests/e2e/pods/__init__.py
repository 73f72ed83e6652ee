"""The built image as the chart's Deployment, in pods on a node with a kubelet."""
