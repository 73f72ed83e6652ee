"""What is asked, as CEL: the variables ``resource``, ``asked`` and the words for people."""

from __future__ import annotations

from responsibility.enforcement.who import SUBRESOURCE

RESOURCE = f"request.resource.resource + ({SUBRESOURCE} == '' ? '' : '/' + {SUBRESOURCE})"

# One text for a target: "apps/deployments UPDATE", "/pods/exec CONNECT".
ASKED = "request.resource.group + '/' + variables.resource + ' ' + request.operation"

# The same for people, with the name: "update deployments hub".
WHAT = "request.operation.lowerAscii() + ' ' + variables.resource + ' ' + variables.name"
