"""Cloud identities: the annotations by which a cloud gives the pods of a ServiceAccount its rights.

What users' code may read and delete in a cloud's buckets and databases hangs by one of these:

* AWS: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
* Google: https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
* Azure: https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html

They name an identity and are no credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from responsibility.hub.values.agreed import LONGEST, Setting

ANNOTATIONS: Final = (
    "azure.workload.identity/client-id",
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
)
_FIELD = re.compile(r'metadata\.annotations\["(?P<key>[^"]+)"\]')


def is_identity(field: str) -> bool:
    """Return whether the path of a field is that of a cloud identity."""
    found = _FIELD.fullmatch(field)
    return found is not None and found["key"] in ANNOTATIONS


def identities(metadata: Mapping[str, object]) -> tuple[Setting, ...]:
    """Return the cloud identities that a ServiceAccount gives its pods, by its metadata."""
    annotations = metadata.get("annotations")
    if not isinstance(annotations, Mapping):
        return ()
    return tuple(
        Setting(f"{key} of ServiceAccount {metadata.get('name')}", _short(value))
        for key in ANNOTATIONS
        if isinstance(value := annotations.get(key), str) and value
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
