"""Values that are written differently and mean the same, as the API server takes them.

A chart says ``0.5`` and the API server ``500m``; it leaves out what is empty or false where its
types say ``omitempty``, calls the protocol of a port TCP, and keeps entries of some lists apart by
keys (``patchMergeKey`` and ``listMapKey`` of ``k8s.io/api``). Where Kubernetes has it either way,
two values count as the same: a change that is missed there changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from responsibility.hub.values.quantities import quantity

Entries = Mapping[tuple[tuple[str, Any], ...], Any]

# Below these keys, values are quantities (``resource.Quantity``).
_QUANTITIES: Final = frozenset(
    {
        "averageValue",
        "capacity",
        "default",
        "defaultRequest",
        "divisor",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "overhead",
        "requests",
        "sizeLimit",
        "value",
    }
)
# Pointers: without them Kubernetes does something else than with false or nought.
_KEPT_WHEN_ZERO: Final = frozenset(
    {
        "allowPrivilegeEscalation",
        "automountServiceAccountToken",
        "allocateLoadBalancerNodePorts",
        "enableServiceLinks",
        "hostUsers",
        "immutable",
        "optional",
        "privileged",
        "readOnlyRootFilesystem",
        "replicas",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "terminationGracePeriodSeconds",
    }
)
# Likewise, empty maps: a volume of that kind, and all pods or namespaces.
_KEPT_WHEN_EMPTY: Final = frozenset({"emptyDir", "namespaceSelector", "podSelector", "selector"})
# What the API server allots where nothing is asked for.
_ALLOTTED: Final = frozenset(
    {
        "clusterIP",
        "externalName",
        "healthCheckNodePort",
        "loadBalancerClass",
        "loadBalancerIP",
        "nodePort",
        "volumeName",
    }
)
# What it adds inside of lists that it takes as a whole.
_DEFAULTS: Final = frozenset(
    {
        "apiGroup",
        "apiVersion",
        "expirationSeconds",
        "group",
        "kind",
        "pathType",
        "protocol",
        "weight",
    }
)
# What the API server fills in (``pkg/apis/*/v1/defaults.go``): whoever's it is, it means nothing.
_ANY: Final = "*"
_FILLED_IN: Final[Mapping[str, tuple[Any, ...]]] = {
    "apiVersion": ("v1",),
    "clusterIP": (_ANY,),
    "clusterIPs": (_ANY,),
    "concurrencyPolicy": ("Allow",),
    "defaultMode": (420,),
    "divisor": ("0",),
    "dnsPolicy": ("ClusterFirst",),
    "externalTrafficPolicy": ("Cluster",),
    "failedJobsHistoryLimit": (1,),
    "failureThreshold": (3,),
    "healthCheckNodePort": (_ANY,),
    "imagePullPolicy": ("Always", "IfNotPresent"),
    "internalTrafficPolicy": ("Cluster",),
    "ipFamilies": (_ANY,),
    "ipFamilyPolicy": ("SingleStack",),
    "kind": ("PersistentVolumeClaim",),
    "maxSurge": (0, "25%"),
    "maxUnavailable": (1, "25%"),
    "nodePort": (_ANY,),
    "partition": (0,),
    "periodSeconds": (10,),
    "podManagementPolicy": ("OrderedReady",),
    "preemptionPolicy": ("PreemptLowerPriority",),
    "progressDeadlineSeconds": (600,),
    "protocol": ("TCP",),
    "replicas": (1,),
    "restartPolicy": ("Always",),
    "revisionHistoryLimit": (10,),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "serviceAccount": (_ANY,),
    "sessionAffinity": ("None",),
    "storageClassName": (_ANY,),
    "successThreshold": (1,),
    "successfulJobsHistoryLimit": (3,),
    "suspend": (False,),
    "targetPort": (_ANY,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
    "type": ("ClusterIP", "Opaque", "RollingUpdate", ""),
    "volumeMode": ("Filesystem",),
    "whenDeleted": ("Retain",),
    "whenScaled": ("Retain",),
}
# Lists of maps whose entries are known by keys; what a key is where it isn't set.
_KEYS: Final[Mapping[str, tuple[tuple[str, Any], ...]]] = {
    "containers": (("name", None),),
    "env": (("name", None),),
    "ephemeralContainers": (("name", None),),
    "hostAliases": (("ip", None),),
    "imagePullSecrets": (("name", None),),
    "initContainers": (("name", None),),
    "resourceClaims": (("name", None),),
    "secrets": (("name", None),),
    "topologySpreadConstraints": (("topologyKey", None), ("whenUnsatisfiable", None)),
    "volumeDevices": (("devicePath", None),),
    "volumeMounts": (("mountPath", None),),
    "volumes": (("name", None),),
    "webhooks": (("name", None),),
}
# Ports are three things: of containers and Services by these keys; of policies as a whole.
_PORTS: Final[Mapping[str, tuple[tuple[str, Any], ...]]] = {
    "containerPort": (("containerPort", None), ("protocol", "TCP")),
    "port": (("port", None), ("protocol", "TCP")),
}
_ORDERED: Final = frozenset({"args", "command"})
# Entries of a list that are looked for in any order.
_MOST_REORDERED: Final = 64


def is_nothing(value: object) -> bool:
    """Return whether a value says nothing: null, or empty."""
    return value is None or (isinstance(value, (str, dict, list)) and not value)


def left_out(key: str, value: object) -> bool:
    """Return whether the API server may leave out a field of this value, and mean the same."""
    if isinstance(value, dict) and not value:
        return key not in _KEPT_WHEN_EMPTY
    if is_nothing(value):
        return True
    if isinstance(value, (bool, int, float)) and not value:
        return key not in _KEPT_WHEN_ZERO
    # Nothing but what is left out itself.
    return isinstance(value, dict) and all(left_out(k, below) for k, below in value.items())


def is_default(key: str, value: object) -> bool:
    """Return whether a value is one that the API server fills in."""
    if isinstance(value, dict):
        return all(is_default(name, below) for name, below in value.items())
    known = _FILLED_IN.get(key, ())
    return _ANY in known or is_nothing(value) or any(value is k or value == k for k in known)


def allotted(key: str, value: object) -> bool:
    """Return whether a value asks the API server for one of its own choice."""
    return key in _ALLOTTED and (is_nothing(value) or value == 0)


def same_scalar(wanted: object, found: object, keys: Sequence[str]) -> bool:
    """Return whether two values mean the same; ``keys`` lead there."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if wanted == found or (wanted in ("", None) and found in ("", None)):
        return True
    texts = str(wanted), str(found)
    if texts[0] == texts[1]:
        return True
    if not _QUANTITIES.isdisjoint(keys) or _is_storage(keys):
        sizes = [quantity(text, binary=False) for text in texts]
        return sizes[0] is not None and sizes[0] == sizes[1]
    return False


def _is_storage(keys: Sequence[str]) -> bool:
    return bool(keys) and keys[-1] == "storage"


def by_keys(name: str, entries: Sequence[Any], *, service: bool = False) -> Entries | None:
    """Return the entries of a list by their keys, of several the last; None for a plain list.

    ``name`` is the key that the list stands at, ``service`` whether that is a Service's.
    """
    if name == "ports":
        keys = _PORTS["port"] if service else _PORTS["containerPort"]
    elif name in _KEYS:
        keys = _KEYS[name]
    else:
        return None
    found: dict[tuple[tuple[str, Any], ...], Any] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            return None
        of = tuple((key, entry.get(key) or otherwise) for key, otherwise in keys)
        if any(not isinstance(value, (str, int)) for _, value in of):
            return None
        found.pop(of, None)
        found[of] = entry
    return found


def says_all(wanted: Any, found: Any, keys: tuple[str, ...]) -> bool:  # noqa: ANN401 - any JSON
    """Return whether ``found`` says all that ``wanted`` does; lists as long, in any order."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return is_nothing(wanted) and found is None
        return all(
            says_all(value, found[key], (*keys, key))
            if found.get(key) is not None
            else left_out(key, value)
            for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(found, list):
            return is_nothing(wanted) and found is None
        return len(wanted) == len(found) and _entries_said(wanted, found, keys)
    return not isinstance(found, (dict, list)) and same_scalar(wanted, found, keys)


def without_defaults(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a value without what the API server may have added to it."""
    if isinstance(value, dict):
        return {k: without_defaults(below) for k, below in value.items() if k not in _DEFAULTS}
    return [without_defaults(each) for each in value] if isinstance(value, list) else value


def _entries_said(wanted: list[Any], found: list[Any], keys: tuple[str, ...]) -> bool:
    if all(map(lambda w, f: says_all(w, f, keys), wanted, found)):
        return True
    if (keys and keys[-1] in _ORDERED) or len(found) > _MOST_REORDERED:
        return False
    left = list(found)
    for each in wanted:
        place = next((n for n, other in enumerate(left) if says_all(each, other, keys)), None)
        if place is None:
            return False
        del left[place]
    return True
