"""Aspects of sessions that can be agreed on like settings, by paths that no chart has.

A record that names one may have it shown, so they are names of things: never an environment, a
command, a user or a pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IDENTITY: Final = "sessions.identity"
IMAGE: Final = "sessions.image"
DIGEST: Final = "sessions.digest"
ACCOUNT: Final = "sessions.serviceAccount"
VOLUME: Final = "sessions.volume"
STORAGE_CLASS: Final = "sessions.storageClass"
PERSISTENT_VOLUME: Final = "sessions.persistentVolume"

# Those that are found by the sessions' pods, with what each is.
OF_PODS: Final[Mapping[str, str]] = {
    IMAGE: "the image that sessions run, such as quay.io/coast/env:2031.1",
    DIGEST: "the digest of that image, as its registry gave it",
    ACCOUNT: "the ServiceAccount that sessions run as",
    VOLUME: "what they share: claim:NAME of several users, nfs:SERVER:PATH, host:PATH, csi:DRIVER",
}
# Those that are found by the claims that these pods mount.
OF_CLAIMS: Final[Mapping[str, str]] = {
    STORAGE_CLASS: "the storage class of the claims that sessions have, homes and shared ones",
    PERSISTENT_VOLUME: "what a claim that users share is bound to, such as home-nfs:prod-home-nfs",
}
OF_SESSIONS: Final[Mapping[str, str]] = {**OF_PODS, **OF_CLAIMS}
# The setting of the hub's chart by which it is known whose each is. The account and its identity
# are whose the account's annotation is.
SETTINGS: Final[Mapping[str, str]] = {
    IMAGE: "singleuser.image.name",
    DIGEST: "singleuser.image.tag",
    VOLUME: "singleuser.storage.dynamic.storageClass",
    STORAGE_CLASS: "singleuser.storage.dynamic.storageClass",
    PERSISTENT_VOLUME: "singleuser.storage.dynamic.storageClass",
}
# All of them.
ASPECTS: Final[Mapping[str, str]] = {
    IDENTITY: "the cloud identity of the sessions' ServiceAccount, such as an IAM role",
    **OF_SESSIONS,
}
