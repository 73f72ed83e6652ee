"""The API groups of Kubernetes that the code speaks of, each spelled here and nowhere else.

A misspelled group is no error anywhere: RBAC just doesn't match, and a path isn't found. It
stands below all rooms, since ``rbac``, ``kube`` and ``api`` need it and know nothing of each other.
Ours is ``api.names.API_GROUP``. Source: ``staging/src/k8s.io/api/*/register.go``.
"""

from __future__ import annotations

from typing import Final

CORE: Final = ""
ADMISSION_REGISTRATION: Final = "admissionregistration.k8s.io"
API_EXTENSIONS: Final = "apiextensions.k8s.io"
APPS: Final = "apps"
AUTHENTICATION: Final = "authentication.k8s.io"
AUTHORIZATION: Final = "authorization.k8s.io"
AUTOSCALING: Final = "autoscaling"
BATCH: Final = "batch"
CERTIFICATES: Final = "certificates.k8s.io"
COORDINATION: Final = "coordination.k8s.io"
EVENTS: Final = "events.k8s.io"
NETWORKING: Final = "networking.k8s.io"
RBAC: Final = "rbac.authorization.k8s.io"
