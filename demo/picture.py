"""The picture of the page in the README: the demo's page, as a browser shows it, with its digest.

``make picture`` draws it anew. The file holds the digest of the page that it shows, as a text chunk
(https://www.w3.org/TR/png-3/#11tEXt), so that a test can tell without a browser whether the picture
is of the page as it is now.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

from demo import trial

PICTURE = trial.REPOSITORY / "docs/page.png"
WIDTH, HEIGHT = 960, 860
# Dates in the picture are those of this day, whenever it is drawn.
MOMENT = datetime(2027, 3, 1, tzinfo=UTC)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_KEYWORD = "Source-SHA256"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def page(folder: Path) -> Path:
    """Write the page that is shown into a folder, and return its path."""
    trial.prepare(folder, MOMENT)
    subprocess.run(
        [
            *(folder / trial.TOOL, "page", "--findings", "--at", MOMENT.isoformat()),
            *("-f", folder / trial.FILES, "-o", folder / trial.SITE),
        ],
        check=True,
        capture_output=True,
    )
    return folder / trial.SITE / "index.html"


def digest(shown: Path) -> str:
    """Return the digest of a page."""
    return hashlib.sha256(shown.read_bytes()).hexdigest()


def noted(picture: bytes) -> str:
    """Return the digest of the page that a picture shows; empty if it has none."""
    position = len(_SIGNATURE)
    while position < len(picture):
        (length,) = struct.unpack_from(">I", picture, position)
        kind = picture[position + 4 : position + 8]
        data = picture[position + 8 : position + 8 + length]
        keyword, _, text = data.partition(b"\0")
        if kind == b"tEXt" and keyword.decode("latin-1") == _KEYWORD:
            return text.decode("latin-1")
        position += 12 + length
    return ""


def with_note(picture: bytes, text: str) -> bytes:
    """Return the picture with a digest in it, right after its header."""
    header = len(_SIGNATURE) + 12 + struct.unpack_from(">I", picture, len(_SIGNATURE))[0]
    data = b"tEXt" + _KEYWORD.encode("latin-1") + b"\0" + text.encode("latin-1")
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return picture[:header] + chunk + picture[header:]


def main() -> int:
    """Draw the picture; where there is no browser that can, say which would do."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print(
            f"error: no browser to draw with. Install one of {', '.join(_BROWSERS)} "
            "(Debian, Ubuntu: apt install chromium)",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as folder:
        shown, drawn = page(Path(folder)), Path(folder) / "page.png"
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={folder}/browser"),
                *(f"--screenshot={drawn}", shown.as_uri()),
            ],
            check=True,
            capture_output=True,
        )
        PICTURE.write_bytes(with_note(drawn.read_bytes(), digest(shown)))
    print(f"{PICTURE.relative_to(trial.REPOSITORY)} is of the page as it is now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
