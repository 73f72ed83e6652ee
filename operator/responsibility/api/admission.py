"""A policy for what a schema can't say because it has no clock: a delegation ends in the future.

CEL in a CRD and in a ValidatingAdmissionPolicy has no "now". But a new object carries its
``creationTimestamp`` by the time policies see it, and that *is* now; so the rule holds on create
only. An update may not be refused for it: a delegation that ends is no reason to lock a record.
"""

from __future__ import annotations

from typing import Any

from responsibility import api_groups
from responsibility.api.names import API_GROUP, MODELS, RECORD_DATES_POLICY, RECORDS

_ENDED = (
    "has(d.until) && has(object.metadata.creationTimestamp) && "
    "timestamp(d.until) <= timestamp(object.metadata.creationTimestamp)"
)


def policy() -> dict[str, Any]:
    """Return the ValidatingAdmissionPolicy.

    ``failurePolicy`` is Ignore: it decides about errors inside the expressions only, and those
    must not keep anybody from writing a record.
    """
    return {
        "apiVersion": f"{api_groups.ADMISSION_REGISTRATION}/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": RECORD_DATES_POLICY},
        "spec": {
            "failurePolicy": "Ignore",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [API_GROUP],
                        "apiVersions": ["*"],
                        "operations": ["CREATE"],
                        "resources": [RECORDS, MODELS],
                        "scope": "Cluster",
                    }
                ]
            },
            "variables": [
                {
                    "name": "ended",
                    "expression": (
                        "!has(object.spec.items) ? [] : object.spec.items.filter(i, "
                        f"has(i.delegates) && i.delegates.exists(d, {_ENDED}))"
                    ),
                },
            ],
            "validations": [
                {
                    "expression": "size(variables.ended) == 0",
                    "reason": "Invalid",
                    "message": "a delegation has ended already: write a later until, or leave the "
                    "delegate out",
                    "messageExpression": (
                        "'spec.items[' + variables.ended[0].name + '].delegates: the delegation to "
                        f"' + variables.ended[0].delegates.filter(d, {_ENDED})[0].party + ' ended "
                        f"on ' + string(variables.ended[0].delegates.filter(d, {_ENDED})[0].until)"
                        " + ': write a later until, or leave the delegate out'"
                    ),
                }
            ],
        },
    }


def binding() -> dict[str, Any]:
    """Return the binding that puts the policy in force for every record and model."""
    return {
        "apiVersion": f"{api_groups.ADMISSION_REGISTRATION}/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": RECORD_DATES_POLICY},
        "spec": {"policyName": RECORD_DATES_POLICY, "validationActions": ["Deny"]},
    }


def manifests() -> list[dict[str, Any]]:
    """Return the policy and its binding."""
    return [policy(), binding()]
