"""A real Kubernetes control plane for tests, demos and benchmarks.

RBAC, admission and watches are what this project is about, and nothing but a real API server
answers truthfully about them. This package gets one on any machine: from Go modules that are
pinned here where there is no container engine (`kwok`), in containers where there is one
(`kind`), or borrowed (`existing`).

`clusters.cluster(name)` is the way in; `python -m tests.e2e.lab` is the same from a shell.
"""
