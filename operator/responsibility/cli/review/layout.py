"""Layout of a tree: its hubs, and the files that Helm is given for each.

The public shape of such repositories is a folder a cluster, with a ``cluster.yaml`` that lists the
hubs: ``name`` (the namespace and the release), ``helm_chart`` and ``helm_chart_values_files``. Any
other shape is told by a file that lists hubs itself (``--hubs``). Where a chart is in the tree, its
own ``values.yaml`` is the lowest layer, and its dependencies say under which keys the hub's chart
has its settings; a dependency counts by its alias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from responsibility.cli.review.trees import Tree, resolved, text_in
from responsibility.cli.review.values_files import ValuesFile, read
from responsibility.cli.sources.location import Location
from responsibility.cli.terminal.errors import CliError
from responsibility.hub.values.paths import Place

CLUSTER_FILE: Final = "cluster.yaml"
_CHART_FILE: Final = "Chart.yaml"
_VALUES: Final = "values.yaml"
_CHARTS: Final = "helm-charts"
# The chart of JupyterHub itself; and its key where nothing in the tree says.
_HUB_CHART: Final = "jupyterhub"
_USUAL: Final[tuple[Place, ...]] = ((_HUB_CHART,),)
_DEEPEST: Final = 5


@dataclass(frozen=True, slots=True, order=True)
class HubPlace:
    """A hub of a tree: its cluster, and its namespace and release there."""

    cluster: str
    namespace: str
    release: str

    def __str__(self) -> str:
        """Return ``leap/prod``, with the release where it is called otherwise."""
        names = [self.cluster, self.namespace]
        names += [self.release] if self.release != self.namespace else []
        return "/".join(filter(None, names))


@dataclass(frozen=True, slots=True)
class Layer:
    """A file of values, and under which keys of the hub's values it counts."""

    path: str
    under: Place = ()


@dataclass(frozen=True, slots=True)
class HubFiles:
    """What Helm is given for a hub: layers of values, the lowest first.

    ``under`` are the keys that lead to the hub's chart, ``others`` the other files that it is made
    of, such as its chart's, and ``settings`` what else is said of it where it is listed.
    """

    hub: HubPlace
    folder: str
    listed: Location
    layers: tuple[Layer, ...]
    under: tuple[Place, ...] = _USUAL
    others: tuple[str, ...] = ()
    settings: Any = None


@dataclass(slots=True)
class Layout:
    """The hubs of a tree, and the files that it reads to know them.

    ``clusters`` are the folders of clusters by their file, with the cluster's name. ``shared`` are
    files that a cluster's file names for something else than a hub, and ``rest`` what it says of
    something else.
    """

    hubs: dict[HubPlace, HubFiles] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    shared: dict[str, set[str]] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    _folders: dict[str, str] = field(default_factory=dict)

    def users(self) -> dict[str, list[HubPlace]]:
        """Return the hubs that each file is given for."""
        found: dict[str, list[HubPlace]] = {}
        for hub in self.hubs.values():
            for path in dict.fromkeys((*(layer.path for layer in hub.layers), *hub.others)):
                found.setdefault(path, []).append(hub.hub)
        return found

    def cluster_of(self, path: str) -> str | None:
        """Return the name of the cluster in whose folder a file is; None for what is in none."""
        if len(self._folders) != len(self.clusters):
            self._folders = {
                PurePosixPath(file).parent.as_posix(): name for file, name in self.clusters.items()
            }
        parts = path.split("/")[:-1]
        for length in range(len(parts), -1, -1):
            found = self._folders.get("/".join(parts[:length]) or ".")
            if found is not None:
                return found
        return None


class LayoutReader:
    """Reads files of trees, each content once, and the layouts of them."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], ValuesFile] = {}

    @property
    def files_read(self) -> int:
        """Return how many files were read as YAML."""
        return len(self._read)

    def file(self, tree: Tree, path: str) -> ValuesFile:
        """Return a file of settings. Raises CliError."""
        key = (path, tree.ids[path])
        if key not in self._read:
            self._read[key] = read(text_in(tree, path), path)
        return self._read[key]

    def layout(self, tree: Tree, listing: ValuesFile | None) -> Layout:
        """Return the hubs of a tree, and those that a listing has of it. Raises CliError."""
        found = Layout()
        charts = _Charts(self, tree)
        listings = [path for path in sorted(tree.ids) if path.rpartition("/")[2] == CLUSTER_FILE]
        tree.fetch(path for path in listings if (path, tree.ids[path]) not in self._read)
        for path in listings:
            self._cluster(tree, path, charts, found)
        if listing is not None:
            for hub in _listed(tree, listing, charts):
                _add(found, hub)
        return found

    def _cluster(self, tree: Tree, path: str, charts: _Charts, found: Layout) -> None:
        file = self.file(tree, path)
        hubs = file.values.get("hubs")
        if not isinstance(hubs, list):
            return
        folder = PurePosixPath(path).parent.as_posix()
        name = file.values.get("name") or PurePosixPath(folder).name
        if not isinstance(name, str):
            raise _wrong(file, ("name",), "the name of a cluster is a text")
        same = next((other for other, known in found.clusters.items() if known == name), None)
        if same is not None:
            raise _wrong(file, ("name",), f"cluster {name} is there twice, also in {same}")
        found.clusters[path] = name
        rest = {key: value for key, value in file.values.items() if key != "hubs"}
        found.rest[path] = rest
        for text in _texts(rest):
            target = _inside(tree, folder, text)
            if target is not None:
                found.shared.setdefault(target, set()).add(path)
        for number, entry in enumerate(hubs):
            _add(found, self._hub(tree, file, number, entry, charts, cluster=name))

    def _hub(
        self,
        tree: Tree,
        file: ValuesFile,
        number: int,
        entry: Any,  # noqa: ANN401 - whatever stands in the file
        charts: _Charts,
        *,
        cluster: str,
    ) -> HubFiles:
        folder = PurePosixPath(file.path).parent.as_posix()
        here = ("hubs", f"[{number}]")
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _wrong(file, here, "a hub has a name")
        name = entry["name"]
        hub = HubPlace(cluster, name, name)
        layers = _layers(tree, file, folder, entry.get("helm_chart_values_files"), here)
        chart = entry.get("helm_chart") or ""
        of_chart = charts.chart(folder, chart if isinstance(chart, str) else "")
        named = [_inside(tree, folder, text) for text in _texts({**entry, "name": None})]
        given = {layer.path for layer in layers}
        others = {path for path in named if path is not None and path not in given}
        return HubFiles(
            hub,
            folder,
            file.location(here) or Location(file.path),
            (*of_chart.layers, *layers),
            of_chart.under or _USUAL,
            tuple(sorted(others | set(of_chart.files))),
            {k: value for k, value in entry.items() if k != "helm_chart_values_files"},
        )


def _add(found: Layout, hub: HubFiles) -> None:
    first = found.hubs.setdefault(hub.hub, hub)
    if first is not hub:
        raise CliError(f"{hub.listed}: hub {hub.hub} is there twice, also in {first.listed}")


def _listed(tree: Tree, listing: ValuesFile, charts: _Charts) -> Iterator[HubFiles]:
    """Yield the hubs of a listing, paths from the top of the tree."""
    hubs = listing.values.get("hubs")
    if not isinstance(hubs, list):
        raise _wrong(listing, ("hubs",), "write a list: hubs: [{namespace: …, values: […]}]")
    for number, entry in enumerate(hubs):
        here = ("hubs", f"[{number}]")
        if not isinstance(entry, dict) or not isinstance(entry.get("namespace"), str):
            raise _wrong(listing, here, "a hub has a namespace, and values: a list of files")
        unknown = set(entry) - {"cluster", "namespace", "release", "values", "under", "chart"}
        if unknown:
            raise _wrong(listing, here, f"nothing is known of {', '.join(sorted(unknown))} here")
        release = str(entry.get("release") or entry["namespace"])
        hub = HubPlace(str(entry.get("cluster") or ""), entry["namespace"], release)
        of_chart = charts.chart("", str(entry.get("chart") or ""))
        under = of_chart.under or _USUAL
        if isinstance(entry.get("under"), str):
            under = (tuple(filter(None, entry["under"].split("."))),)
        layers = _layers(tree, listing, "", entry.get("values"), here, key="values")
        where = listing.location(here) or Location(listing.path)
        yield HubFiles(hub, "", where, (*of_chart.layers, *layers), under, of_chart.files)


def _layers(
    tree: Tree,
    file: ValuesFile,
    folder: str,
    names: Any,  # noqa: ANN401 - whatever stands in the file
    here: Place,
    *,
    key: str = "helm_chart_values_files",
) -> tuple[Layer, ...]:
    place = (*here, key)
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _wrong(file, place, f"{key} is a list of files")
    found = []
    for number, name in enumerate(names):
        path = resolved(tree, str(PurePosixPath(folder, name)))
        if path is None:
            raise _wrong(file, (*place, f"[{number}]"), f"there is no file {name!r}")
        found.append(Layer(path))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Chart:
    layers: tuple[Layer, ...] = ()
    under: tuple[Place, ...] = _USUAL
    files: tuple[str, ...] = ()


class _Charts:
    """The charts of a tree, each looked at once."""

    def __init__(self, reader: LayoutReader, tree: Tree) -> None:
        self._reader = reader
        self._tree = tree
        self._folders: dict[str, list[str]] = {}
        for path in tree.ids:
            if path.rpartition("/")[2] == _CHART_FILE:
                where = PurePosixPath(path)
                self._folders.setdefault(where.parent.name, []).append(where.parent.as_posix())
        self._known: dict[str, _Chart] = {}

    def chart(self, folder: str, name: str) -> _Chart:
        """Return a chart that a hub names: by a path from its folder, or by its name."""
        if not name:
            return _Chart()
        where = self._folder(folder, name)
        if where is None:
            under: tuple[Place, ...] = ((),) if name == _HUB_CHART else _USUAL
            return _Chart(under=under)
        if where not in self._known:
            self._known[where] = self._look(where, _DEEPEST)
        return self._known[where]

    def _look(self, where: str, depth: int) -> _Chart:
        """Return a chart with those of the tree that it depends on, each under its key."""
        about = self._reader.file(self._tree, f"{where}/{_CHART_FILE}").values
        under: list[Place] = [()] if about.get("name") == _HUB_CHART else []
        layers: list[Layer] = []
        files = {path for path in self._tree.ids if path.startswith(f"{where}/")}
        dependencies = about.get("dependencies")
        for each in dependencies if isinstance(dependencies, list) else ():
            if not isinstance(each, dict) or not isinstance(each.get("name"), str):
                continue
            key = str(each.get("alias") or each["name"])
            below = self._dependency(where, each)
            if below is not None and depth:
                part = self._look(below, depth - 1)
                under += [(key, *rest) for rest in part.under]
                layers += [Layer(one.path, (key, *one.under)) for one in part.layers]
                files |= {*part.files, *(one.path for one in part.layers)}
            elif each["name"] == _HUB_CHART:
                under.append((key,))
        values = f"{where}/{_VALUES}"
        layers += [Layer(values)] if values in self._tree.ids else []
        others = files - {layer.path for layer in layers}
        return _Chart(tuple(layers), tuple(dict.fromkeys(under)), tuple(sorted(others)))

    def _folder(self, folder: str, name: str) -> str | None:
        try:
            chart = resolved(self._tree, str(PurePosixPath(folder, name, _CHART_FILE)))
        except CliError:
            chart = None
        if chart is not None:
            return PurePosixPath(chart).parent.as_posix()
        usual = f"{_CHARTS}/{PurePosixPath(name).name}"
        found = sorted(self._folders.get(PurePosixPath(name).name, ()))
        chosen = [usual] if usual in found else found
        if len(chosen) > 1:
            raise CliError(f"chart {name} is there several times: {', '.join(chosen)}")
        return chosen[0] if chosen else None

    def _dependency(self, where: str, each: Mapping[str, Any]) -> str | None:
        place = str(each.get("repository") or "").removeprefix("file://")
        for folder, name in ((where, place), (where, f"charts/{each['name']}")):
            if name:
                try:
                    chart = resolved(self._tree, str(PurePosixPath(folder, name, _CHART_FILE)))
                except CliError:
                    continue
                if chart is not None:
                    return PurePosixPath(chart).parent.as_posix()
        return None


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - whatever stands in the file
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)


def _inside(tree: Tree, folder: str, text: str) -> str | None:
    """Return the file of the tree that a text names, if it names one."""
    if not text or "\n" in text or text.startswith("/"):
        return None
    try:
        return resolved(tree, str(PurePosixPath(folder, text)))
    except CliError:
        return None


def _wrong(file: ValuesFile, place: Place, why: str) -> CliError:
    return CliError(f"{file.location(place) or Location(file.path)}: {why}")
