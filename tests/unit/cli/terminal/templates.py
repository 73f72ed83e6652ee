"""Templates for ``-o jsonpath=…``, with what kubectl 1.37 prints, for ours and for kubectl."""

from typing import Any, Final

DATA: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "x"},
    "answer": {
        "items": [
            {"name": "a", "n": 3, "ok": True, "tags": ["x", "y"], "m": {"k.l": "v", "z": 1.5}},
            {"name": "b", "n": 7, "ok": False, "tags": [], "m": {"q": "<&>"}, "none": None},
            {"name": "ü", "n": 10},
        ],
        "deep": {"deeper": {"name": "inner"}},
    },
}

FOLLOWED: Final = {
    "{.answer.items[*].name}": "a b ü",
    "{.answer.items[0].m}": '{"k.l":"v","z":1.5}',
    "{.answer.items[1].m}": '{"q":"\\u003c\\u0026\\u003e"}',
    "{.answer.items[-1].name}": "ü",
    "{.answer.items[0:2].name}": "a b",
    "{.answer.items[1:].name}": "b ü",
    "{.answer.items[::2].name}": "a ü",
    "{.answer.items[0,2].name}": "a ü",
    '{range .answer.items[*]}{.name}{"\\t"}{.n}{"\\n"}{end}': "a\t3\nb\t7\nü\t10\n",
    "{range .answer.items[*]}[{.name}{range .tags[*]}<{@}>{end}]{end}": "[a<x><y>][b][ü]",
    '{.answer.items[?(@.name=="b")].n}': "7",
    "{.answer.items[?(@.name=='b')].n}": "7",
    "{.answer.items[?(@.n>5)].name}": "b ü",
    "{.answer.items[?(@.n!=3)].name}": "b ü",
    "{.answer.items[?(@.tags)].name}": "a b",
    "{.answer.items[?(@.ok==true)].name}": "a",
    "{.answer.items[*].missing}": "",
    "{.answer.items.name}": "",
    "x{.answer.deep.deeper.name}y": "xinnery",
    "{.answer.items[*].ok}": "true false",
    "{.answer.items[0].m.k\\.l}": "v",
    "{.answer.items[0].m['k\\.l']}": "v",
    "{.answer.items[0]['name','n']}": "a 3",
    "{.answer.items[*]['name','n']}": "a b ü 3 7 10",
    ".answer.x": ".answer.x",
    "{.answer.items[1].none}": "null",
    "{.answer.deep..name}": "inner",
    "{.answer.items[0].tags.*}": "x y",
    "{$.answer.items[0].n}": "3",
    "{@.answer.deep}": '{"deeper":{"name":"inner"}}',
    "{'q'}": "q",
    "{.answer.items[0].name} {.answer.items[1].name}": "a b",
}

REFUSED: Final = (
    "{.answer.items[9].name}",
    "{.answer.items[5:].name}",
    "{.answer.items",
    "{end}",
    '{.answer.items[?(@.n=="3")].name}',
    "{.answer.deep[0]}",
    "{.answer.items[x]}",
)
