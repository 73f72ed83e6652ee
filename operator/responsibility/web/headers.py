"""Headers of all answers that show the page, or that show why there is none.

An answer is of one caller and of its moment, so nobody keeps it; no other page may frame it, hold
it by a window that it opened, or load it as a part of its own.
"""

from typing import Final

NO_FRAMES: Final = "; frame-ancestors 'none'"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'" + NO_FRAMES,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
