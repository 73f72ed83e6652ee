"""The image is built from what is pinned and runs as nobody, as far as shows without an engine."""

import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.release.images import IMAGES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
SHIPPED = tuple(image.lock.stem for image in IMAGES)
LOCKS = (*SHIPPED, "build")


def instructions() -> list[tuple[str, str]]:
    """Return the Containerfile's instructions, each with the rest of its line."""
    joined = re.sub(r"\\\n\s*", " ", TEXT)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for instruction in instructions():
        if instruction[0] == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return found


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Return what a lock pins: version and number of hashes, by name."""
    text = (ROOT / "image" / f"{name}.lock").read_text(encoding="utf-8")
    found: dict[str, tuple[str, int]] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        pinned = re.match(r"([A-Za-z0-9._-]+)==(\S+)", entry)
        if pinned is not None:
            found[canonicalize_name(pinned[1])] = (pinned[2], entry.count("--hash=sha256:"))
    return found


def test_only_the_last_stage_is_shipped_and_it_runs_nothing_while_it_is_built() -> None:
    build, last = stages()
    assert ("RUN", 'sh image/build.sh /opt/hub-responsibility /tmp/build "${CONTENTS}"') in build
    assert "RUN" not in [word for word, _ in last]
    copies = [rest for word, rest in last if word == "COPY"]
    assert copies == ["--from=build /opt/hub-responsibility /opt/hub-responsibility"]


def test_it_runs_as_a_number_that_is_nobody() -> None:
    (user,) = [rest for word, rest in stages()[-1] if word == "USER"]
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user)
    values = (ROOT / "helm/hub-responsibility/values.yaml").read_text(encoding="utf-8")
    assert f"runAsUser: {user.split(':')[0]}\n" in values


def test_it_starts_what_the_chart_starts() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert "ENTRYPOINT" not in dict(stages()[-1]), "docker run IMAGE kubectl-responsibility …"
    (entry,) = [rest for word, rest in stages()[-1] if word == "CMD"]
    assert entry == '["responsibility-start"]'
    build = (ROOT / "image/build.sh").read_text(encoding="utf-8")
    links = re.findall(r'  (\S+)\) ln -s (\S+) "\$target/bin/responsibility-start"', build)
    images = (ROOT / "image/images.txt").read_text(encoding="utf-8")
    # The one that each image keeps.
    assert dict(links) == {
        "operator": "responsibility-operator",
        "hub-page": "responsibility-hub-page",
    }
    assert dict(links).keys() == set(re.findall(r"^([a-z-]+) ", images, re.MULTILINE))
    assert set(dict(links).values()) <= scripts.keys()
    chart = ROOT / "helm/hub-responsibility/templates"
    for name, program in (("deployment", "operator"), ("hub-pages", "hub-page")):
        template = (chart / f"{name}.yaml").read_text(encoding="utf-8")
        assert f"command: [{dict(links)[program]}]" in template
    assert "PATH=/opt/hub-responsibility/bin:" in TEXT


def test_its_base_is_named_by_its_digest() -> None:
    bases = re.findall(r"^ARG BASE=(.*)$", TEXT, re.MULTILINE)
    assert len(bases) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim@sha256:[0-9a-f]{64}", bases[0])
    assert {rest.split()[0] for word, rest in instructions() if word == "FROM"} == {"${BASE}"}


# Programs that answer what a registry has, each asked in its own way.
ASKED = {
    "skopeo": "inspect --no-tags --format {{.Digest}} docker://docker.io/library/python:3.13-slim",
    "crane": "digest docker.io/library/python:3.13-slim",
    "docker": "buildx imagetools inspect docker.io/library/python:3.13-slim"
    " --format {{.Manifest.Digest}}",
}


def _renew(tmp_path: Path, *programs: str, answer: str) -> subprocess.CompletedProcess[str]:
    """Run `make base` on a copy, where these programs are and answer so."""
    for name in ("Containerfile", "Makefile", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "sed", "make"):
        found = subprocess.run(["which", tool], capture_output=True, text=True, check=True)
        (tools / tool).symlink_to(found.stdout.strip())
    for name in programs:
        script = f'#!{tools}/bash\n[ "$*" = "buildx version" ] || echo "$*" >> {tmp_path}/asked\n'
        (tools / name).write_text(f"{script}echo '{answer}'\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    command = [str(tools / "make"), "-C", str(tmp_path), "--no-print-directory", "base"]
    return subprocess.run(
        command, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("program", ASKED)
def test_the_base_s_digest_is_renewed_by_one_command(tmp_path: Path, program: str) -> None:
    digest = f"sha256:{'ab' * 32}"
    done = _renew(tmp_path, program, answer=digest)
    base = f"docker.io/library/python:3.13-slim@{digest}"
    assert (done.returncode, done.stdout) == (0, f"{base}\n"), done.stderr
    assert f"\nARG BASE={base}\n" in (tmp_path / "Containerfile").read_text(encoding="utf-8")
    assert (tmp_path / "asked").read_text(encoding="utf-8") == f"{ASKED[program]}\n"


@pytest.mark.parametrize(
    ("programs", "answer", "told"),
    [((), "", "install skopeo, crane or docker with buildx"), (("crane",), "x", "no digest: x")],
)
def test_without_a_digest_the_base_stays(
    tmp_path: Path, programs: tuple[str, ...], answer: str, told: str
) -> None:
    done = _renew(tmp_path, *programs, answer=answer)
    assert done.returncode != 0
    assert told in done.stderr
    assert (tmp_path / "Containerfile").read_text(encoding="utf-8") == TEXT


def test_it_says_what_it_is() -> None:
    labels = re.findall(r'org\.opencontainers\.image\.(\w+)="', TEXT)
    expected = {"title", "description", "licenses", "source", "version", "revision", "created"}
    assert set(labels) == expected
    chart = (ROOT / "helm/hub-responsibility/Chart.yaml").read_text(encoding="utf-8")
    (source,) = re.findall(r'image\.source="(.*?)"', TEXT)
    assert f"sources: [{source}]" in chart
    images = (ROOT / "image/images.txt").read_text(encoding="utf-8")
    told = dict(re.findall(r"^# ([a-z-]+): (.+)$", images, re.MULTILINE))
    assert told.keys() == set(re.findall(r"^([a-z-]+) ", images, re.MULTILINE))
    assert len(set(told.values())) == len(told)
    assert f'ARG DESCRIPTION="{told["operator"]}"' in TEXT
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    for argument in re.findall(r"^ARG (\w+)=", TEXT, re.MULTILINE):
        assert f"--build-arg {argument}=" in made


def test_what_is_copied_into_it_is_let_in_and_nothing_else() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    copied = {
        source for word, rest in stages()[0] if word == "COPY" for source in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("name", LOCKS)
def test_everything_is_pinned_by_hash(name: str) -> None:
    found = locked(name)
    assert found
    assert all(hashes for _, hashes in found.values()), found
    text = (ROOT / "image" / f"{name}.lock").read_text(encoding="utf-8")
    assert "://" not in text, "a lock names no index: whoever builds has one"


def _asked(name: str) -> list[Requirement]:
    if name == "requirements":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return [Requirement(text) for text in project["dependencies"]]
    lines = (ROOT / "image" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_of_what_is_asked_for(name: str) -> None:
    found = locked(name)
    for asked in _asked(name):
        version, _ = found[canonicalize_name(asked.name)]
        assert asked.specifier.contains(version), f"{asked}, locked {version}: run make lock"


@pytest.mark.parametrize("contents", SHIPPED)
def test_the_lock_is_complete_and_has_nothing_too_much(contents: str) -> None:
    """As far as the packages that are installed here can tell: what they need, they name."""
    found = locked(contents)
    needed, todo = set[str](), _asked(contents)
    while todo:
        asked = todo.pop()
        name = canonicalize_name(asked.name)
        if name in needed and not asked.extras:
            continue
        needed.add(name)
        version, _ = found.get(name, ("", 0))
        assert version, f"{name} is needed and not locked: run make lock"
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": e}) for e in ("", *asked.extras)):
                todo.append(requirement)
    # tzdata and their like are for other systems than the one that this runs on.
    assert set(found) - needed <= {"tzdata", "typing-extensions", "colorama", "psutil"}


def test_the_page_in_a_hub_is_built_of_what_its_extra_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = [Requirement(text) for text in project["optional-dependencies"]["hub-page"]]
    assert _asked("hub-page") == extra


def test_the_build_backend_is_locked_as_it_is_asked_for() -> None:
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    for text in system["requires"]:
        asked = Requirement(text)
        assert asked.specifier.contains(locked("build")[asked.name][0])


def test_the_script_installs_nothing_that_is_not_pinned() -> None:
    script = re.sub(r"\\\n\s*", " ", (ROOT / "image/build.sh").read_text(encoding="utf-8"))
    installs = [line for line in script.splitlines() if " install " in line]
    assert installs
    for line in installs:
        assert "--require-hashes" in line or "--no-index" in line, line
    assert "--no-build-isolation" in script


def test_without_an_engine_it_says_what_is_missing(tmp_path: Path) -> None:
    for tool in ("bash", "sed", "git", "tr", "tail", "cat"):
        found = subprocess.run(["which", tool], capture_output=True, text=True, check=True)
        (tmp_path / tool).symlink_to(found.stdout.strip())
    make = subprocess.run(["which", "make"], capture_output=True, text=True, check=True)
    done = subprocess.run(
        [make.stdout.strip(), "-C", str(ROOT), "image"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "no container engine answers" in done.stderr
    for engine in ("docker", "podman", "buildah"):
        assert f"no {engine};" in done.stderr
