"""Where to compute. This version has one engine, NumPy on the CPU."""

from __future__ import annotations

from rnnviz.errors import MissingError, UsageError, nearest

DEVICES = ("auto", "cpu", "cuda")


def choose(device: str) -> str:
    """The device a wish comes to; MissingError if it is not to be had, UsageError if unknown."""
    if device not in DEVICES:
        known = ", ".join(DEVICES)
        raise UsageError(
            f"Unknown device {device!r}.{nearest(device, DEVICES)} There are: {known}."
        )
    if device == "cuda":
        raise MissingError(
            "This version of rnnviz has no GPU engine yet. Leave --device out, or use --device cpu."
        )
    return "cpu"
