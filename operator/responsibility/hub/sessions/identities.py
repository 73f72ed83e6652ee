"""Cloud identities: the annotations by which a cloud gives the pods of a ServiceAccount its rights.

What users' code may read and delete in a cloud's buckets and databases hangs by one of these:

* AWS: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
* Google: https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
* Azure: https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html

They name an identity and are no credentials. Who wrote one, and when, its object tells in
``metadata.managedFields``: a client's name for itself, and never the person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from responsibility.hub.release.field_managers import FieldManagers
from responsibility.hub.values.agreed import LONGEST, Setting

ANNOTATIONS: Final = (
    "azure.workload.identity/client-id",
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
)
# What programs call themselves, in the length that the API server takes (k8s.io/apimachinery
# pkg/apis/meta/v1/validation). Anything else would be read as ours.
_CLIENT = re.compile(r"[\w./:@+-]{1,128}")
_UNNAMED: Final = "a client without a usual name"
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
    found = {key: value for key in ANNOTATIONS if (value := annotations.get(key))}
    if not found:
        return ()
    # Helm is a writer like others here.
    managers = FieldManagers({"metadata": metadata}, deployed_at="")
    return tuple(
        Setting(
            f"{key} of ServiceAccount {metadata.get('name')}",
            _short(value),
            by=_writer(managers, key),
        )
        for key, value in found.items()
        if isinstance(value, str)
    )


def _writer(managers: FieldManagers, annotation: str) -> str:
    """Return what wrote an annotation last, by its own name for itself, and when.

    Such as ``kubectl-edit at 2031-03-02T09:30:00Z``.
    """
    writers = managers.others(("metadata", "annotations", annotation))
    if not writers or not writers[0].manager:
        return ""
    last = writers[0]
    name = last.manager if _CLIENT.fullmatch(last.manager) else _UNNAMED
    return f"{name} at {last.at}" if last.at else name


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
