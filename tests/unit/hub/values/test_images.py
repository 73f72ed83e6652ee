"""Images, by where they lie: nothing that only begins alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsibility.hub.values.images import lies_within

COAST = "quay.io/coast"


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("quay.io/coast/env", COAST),
        ("quay.io/coast/env:2031.1", COAST),
        ("quay.io/coast/deep/env@sha256:" + "a" * 64, COAST),
        ("quay.io/coast/env:2031.1@sha256:" + "a" * 64, "quay.io/coast/"),
        ("quay.io/coast/env:2031.1", "quay.io/coast/env"),
        ("quay.io/coast/env", "quay.io"),
        ("localhost:5000/coast/env:1", "localhost:5000/coast"),
        ("localhost:5000/coast/env:1", "localhost:5000"),
        # As container runtimes take names without a registry.
        ("jupyter/base-notebook:latest", "docker.io/jupyter"),
        ("jupyter/base-notebook", "jupyter"),
        ("ubuntu:24.04", "docker.io/library"),
        ("index.docker.io/jupyter/base-notebook", "docker.io/jupyter"),
    ],
)
def test_what_lies_there(image: str, repository: str) -> None:
    assert lies_within(image, repository)


@pytest.mark.parametrize(
    "image",
    [
        "quay.io/coastal/env",
        "quay.io/coast-evil/env",
        "quay.io.evil.example/coast/env",
        "evil.example/quay.io/coast/env",
        "quay.io:443/coast/env",
        "quay.io/coast",
        "quay.io/coast/../evil/env",
        "quay.io/coast//env",
        "quay.io/Coast/env",
        # All of these are Docker's.
        "quay.io",
        "quay.io:443",
        "coast/env",
        "",
        "@sha256:" + "a" * 64,
    ],
)
def test_what_only_looks_like_it(image: str) -> None:
    assert not lies_within(image, "quay.io/coast/env" if image == COAST else COAST)


_PART = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.lists(_PART, min_size=1, max_size=4), _PART, st.sampled_from(["", ":1", "@sha256:0"]))
def test_whatever_is_below_a_place_lies_there_and_in_no_neighbour(
    folders: list[str], name: str, more: str
) -> None:
    place = "/".join(["registry.example", *folders])
    assert lies_within(f"{place}/{name}{more}", place)
    assert not lies_within(f"{place}x/{name}{more}", place)
