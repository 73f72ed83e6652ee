"""The webhook that is asked about hubs' values, which no policy can read.

It is narrow: Secrets that are named like a hub's and whose content changes, in
namespaces where an item is enforced that says something about values. Nothing depends on it
(``failurePolicy: Ignore``): while the operator is down, the policies alone decide, and they let
everybody who owns something in the Secret change all of it.

To make the Secret anew is to change all that is in it from nothing, or else what a setting is held
to would end by ``helm uninstall`` and ``helm install``. To delete it is to take every setting away.
That is for those who may make it: who deploys a hub may end it, whosever the settings are.

There is no ``objectSelector``: whoever may change the Secret may take its labels off first. A
Namespace is chosen by one webhook of several, so that each request is put but once: the first of
the items that is in force there has it asked. It is not the one that may be in the way, so webhooks
are named by numbers, which people get to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from responsibility import api_groups
from responsibility.admission.policies import cel
from responsibility.admission.policies.manifests import Manifest
from responsibility.admission.policies.requester import CONTROL_PLANE, NAME
from responsibility.admission.webhooks.values_ownership import ValuesGuard
from responsibility.api.model import ResponsibilityModel
from responsibility.api.names import API_GROUP, STAGE_LABEL, VALUES_WEBHOOK
from responsibility.api.stages import AdmissionStage
from responsibility.hub.values.secret import KEY
from responsibility.hub.values.secret import NAME as HUB

PATH = "/values"
# Seconds: the operator answers within its own, shorter budget, or not at all.
TIMEOUT = 3

_IN_FORCE = [AdmissionStage.WARN.value, AdmissionStage.DENY.value]


def webhook_configuration(model: ResponsibilityModel, client_config: Mapping[str, Any]) -> Manifest:
    """Return the configuration; ``client_config`` says where the operator is, without the path.

    It holds a ``url`` or a ``service``, and the ``caBundle`` of its certificate.
    """
    guarded = sorted(ValuesGuard.of(model).items.values(), key=lambda item: item.number)
    labels = [f"{STAGE_LABEL}{item.name}" for item in guarded]
    return {
        "apiVersion": f"{api_groups.ADMISSION_REGISTRATION}/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": VALUES_WEBHOOK},
        "webhooks": [
            _hook(f"values-{number}", labels[:number], client_config)
            for number in range(1, len(labels) + 1)
        ],
    }


def _hook(name: str, labels: list[str], client_config: Mapping[str, Any]) -> Manifest:
    where = dict(client_config)
    if "service" in where:
        where["service"] = {**where["service"], "path": PATH}
    else:
        where["url"] = f"{where['url'].rstrip('/')}{PATH}"
    *before, label = labels
    return {
        "name": f"{name}.{API_GROUP}",
        "admissionReviewVersions": ["v1"],
        "clientConfig": where,
        "failurePolicy": "Ignore",
        "matchPolicy": "Equivalent",
        # What is refused is told of, unless it is a dry run.
        "sideEffects": "NoneOnDryRun",
        "timeoutSeconds": TIMEOUT,
        "namespaceSelector": {
            "matchExpressions": [
                {"key": label, "operator": "In", "values": _IN_FORCE},
                *({"key": key, "operator": "NotIn", "values": _IN_FORCE} for key in before),
            ]
        },
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": ["secrets"],
                "operations": ["CREATE", "UPDATE", "DELETE"],
                "scope": "Namespaced",
            }
        ],
        "matchConditions": [
            {"name": "is-named-like-a-hubs", "expression": _NAMED},
            {"name": "is-no-machine", "expression": f"!({CONTROL_PLANE})"},
            {"name": "has-values", "expression": _HAS_VALUES},
            {"name": "changes-them", "expression": _CHANGES},
        ],
    }


# What stands before it differs from hub to hub, and no Namespace can be seen here.
# Where a collection is deleted, only the object says which one it is.
_NAMED = f"[{NAME}].exists(n, n == {cel.text(HUB)} || n.endsWith({cel.text('-' + HUB)}))"
_DATA = [
    f"({node} == null ? dyn({{}}) : dyn({node})).?data.orValue(dyn({{}}))"
    for node in ("object", "oldObject")
]
_HAS_VALUES = cel.any_of(f"{cel.text(KEY)} in {data}" for data in _DATA)
_CHANGES = " != ".join(_DATA)
