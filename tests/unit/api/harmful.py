"""Texts that do harm where they are shown as they are: they hide, turn around or end lines."""

HARMFUL = [
    *("\x1b[2J", "a\nkind: Evil", "a\r", "\x00", "\x7f", "\x9b1m"),
    *("\u202eevil", "\u2066a\u2069", "\u200fa", "\u061ca"),
    *("a\u200bb", "a\u2060b", "\ufeffa", "a\u00adb", "\U000e0041"),
    *("a\u2028b", "a\u2029b", "\ufffe", "\ufdd0", "\ud800"),
]
