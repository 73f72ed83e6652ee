"""What kind is told: as kubeadm and the kubelet read it, without an engine to try it on."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.lab.cluster import Options
from tests.e2e.lab.kindconfig import configuration

NEWER, OLDER = "kubeadm.k8s.io/v1beta4", "kubeadm.k8s.io/v1beta3"
Json = dict[str, Any]


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """Return a directory with a policy and an empty log."""
    directory = tmp_path / "audit"
    directory.mkdir()
    (directory / "policy.yaml").touch()
    (directory / "audit.log").touch()
    return directory


def configured(audit: Path, options: Options | None = None, image: str | None = None) -> Json:
    return configuration(
        options or Options(),
        audit_policy=audit / "policy.yaml",
        audit_log=audit / "audit.log",
        image=image,
    )


def apiserver(document: Json, version: str) -> Json:
    """Return what the one patch for a version says of the API server."""
    (node,) = document["nodes"]
    patches = [yaml.safe_load(text) for text in node["kubeadmConfigPatches"]]
    (patch,) = [patch for patch in patches if patch["apiVersion"] == version]
    assert patch["kind"] == "ClusterConfiguration"
    found: Json = patch["apiServer"]
    return found


def flags(document: Json, version: str = NEWER) -> dict[str, str]:
    arguments = apiserver(document, version)["extraArgs"]
    if version == OLDER:
        assert isinstance(arguments, dict)
        return dict(arguments)
    assert len({each["name"] for each in arguments}) == len(arguments), "no flag twice"
    return {each["name"]: each["value"] for each in arguments}


def inside(document: Json, path: Path) -> Path | None:
    """Return where here the API server's pod finds a path, by way of the node."""
    (node,) = document["nodes"]
    mounts = {each["containerPath"]: each["hostPath"] for each in node["extraMounts"]}
    for volume in apiserver(document, NEWER)["extraVolumes"]:
        mounted = Path(volume["mountPath"])
        if mounted == path or mounted in path.parents:
            return Path(mounts[volume["hostPath"]]) / path.relative_to(mounted)
    return None


@pytest.mark.parametrize("version", [NEWER, OLDER])
def test_both_versions_say_the_same(audit: Path, version: str) -> None:
    options = Options(
        authorization_mode="AlwaysAllow",
        feature_gates={"Some": True, "Other": False},
        runtime_config={"api/all": True},
        apiserver_flags={"v": "4"},
    )
    document = configured(audit, options)
    found = flags(document, version)
    assert found["authorization-mode"] == "AlwaysAllow"
    assert found["v"] == "4"
    # kind's own words on these two are replaced by the patch's.
    assert found["feature-gates"] == "Some=true,Other=false"
    assert found["runtime-config"] == "api/all=true"
    assert found["audit-log-path"] == str(audit / "audit.log")
    volumes = apiserver(document, version)["extraVolumes"]
    assert volumes == apiserver(document, NEWER)["extraVolumes"]


def test_gates_and_versions_reach_the_other_components_as_well(audit: Path) -> None:
    options = Options(feature_gates={"Some": True}, runtime_config={"api/all": False})
    document = configured(audit, options)
    assert document["featureGates"] == {"Some": True}
    assert document["runtimeConfig"] == {"api/all": "false"}


def test_no_gates_are_no_flag(audit: Path) -> None:
    assert "feature-gates" not in flags(configured(audit))


def test_the_api_server_finds_what_its_flags_name(audit: Path, tmp_path: Path) -> None:
    """Also a folder that such a file names, if it is beside it."""
    beside = tmp_path / "admission"
    (beside / "policies").mkdir(parents=True)
    named = beside / "admission.yaml"
    named.touch()
    options = Options(
        apiserver_flags={"admission-control-config-file": str(named), "profiling": "false"}
    )
    document = configured(audit, options)
    for path in (named, beside / "policies", audit / "policy.yaml", audit / "audit.log"):
        assert inside(document, path) == path
    assert inside(document, tmp_path / "something-else") is None


def test_a_flag_wins_over_what_the_lab_says(audit: Path, tmp_path: Path) -> None:
    own = tmp_path / "own-policy.yaml"
    own.touch()
    document = configured(audit, Options(apiserver_flags={"audit-policy-file": str(own)}))
    assert flags(document)["audit-policy-file"] == str(own)
    assert inside(document, own) == own


def test_no_directory_is_mounted_twice(audit: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer.yaml"
    outer.touch()
    document = configured(audit, Options(apiserver_flags={"x": str(outer)}))
    volumes = apiserver(document, NEWER)["extraVolumes"]
    assert [volume["mountPath"] for volume in volumes] == [str(tmp_path)]
    assert inside(document, audit / "audit.log") == audit / "audit.log"


def test_the_image_is_kinds_own_unless_one_is_named(audit: Path) -> None:
    assert "image" not in configured(audit)["nodes"][0]
    assert configured(audit, image="kindest/node:v1.37.2")["nodes"][0]["image"] == (
        "kindest/node:v1.37.2"
    )
