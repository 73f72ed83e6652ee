"""A real browser that looks at a page: what it shows, and what axe-core has to say about it.

The browser is Debian's chromium, or another of that family; axe-core comes from npm, by
``make axe``. The program is put into a copy of the page, whose policy would not let it run, and
answers in the document, which the browser prints. Pages are framed, since a window can't be as
narrow as a phone.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[3]
AXE: Final = ROOT / "build/axe/node_modules/axe-core/axe.min.js"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_POLICY: Final = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_ANSWER: Final = re.compile(r'<pre id="answer">(.*?)</pre>', re.DOTALL)
_ASK: Final = """
axe.run(document, {resultTypes: ["violations"]}).then(found => parent.postMessage(JSON.stringify({
  width: innerWidth,
  wide: document.documentElement.scrollWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  rows: [...document.querySelectorAll(".grid tbody tr")].filter(e => e.offsetParent).length,
  sections: [...document.querySelectorAll("section")].filter(e => e.offsetParent).length,
  passes: found.passes.length,
  violations: found.violations.map(v => `${v.id}: ${v.nodes[0].html}`),
}), "*"));
"""
_TELL: Final = """
onmessage = event => {
  const answer = document.createElement("pre");
  answer.id = "answer"; answer.textContent = event.data; document.body.append(answer);
}
"""


def browser() -> str | None:
    """Return a browser that is there."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a browser shows: widths of the frame and its contents in pixels, and what axe says."""

    width: int
    wide: int
    dark: bool
    rows: int
    sections: int
    passes: int
    violations: list[str]


def look(page: str, *, width: int = 1200, dark: bool = False, fragment: str = "") -> Seen:
    """Return what a browser shows of a page in a frame of so many pixels."""
    program = browser()
    assert program is not None
    source = _POLICY.sub("", page)
    scripts = f"<script>{AXE.read_text(encoding='utf-8')}</script><script>{_ASK}</script></body>"
    with tempfile.TemporaryDirectory() as folder:
        framed, frame = Path(folder) / "page.html", Path(folder) / "frame.html"
        framed.write_text(source.replace("</body>", scripts), encoding="utf-8")
        address = html.escape(framed.name + fragment)
        frame.write_text(
            f"<body><script>{_TELL}</script>"
            f'<iframe src="{address}" width="{width}" height="900" style="border: 0"></iframe>',
            encoding="utf-8",
        )
        done = subprocess.run(
            [
                *(program, "--headless", "--no-sandbox", "--disable-gpu"),
                *("--virtual-time-budget=60000", "--window-size=1400,1000"),
                f"--user-data-dir={folder}/profile",
                f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                *("--dump-dom", frame.as_uri()),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    found = _ANSWER.search(done.stdout)
    assert found is not None, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(html.unescape(found[1]))
    return Seen(**answer)
