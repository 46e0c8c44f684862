"""Text of pages that are only pictures, recognised by Tesseract where it is installed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from functools import cache

import pypdfium2

DOTS_PER_INCH = 220
MOST_PIXELS = 12_000_000
MOST_LANGUAGES = 4
NO_LANGUAGES = {"osd", "equ"}
STOPPED = (subprocess.SubprocessError, OSError)


def is_installed() -> bool:
    return bool(_languages())


def recognise(data: bytes, pages: Sequence[int], deadline: float) -> dict[int, str]:
    """The text of these pages of a PDF, counted from 1, as far as they can be read before the deadline."""
    found: dict[int, str] = {}
    document = pypdfium2.PdfDocument(data)
    for number in pages:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            found[number] = _text(_picture(document[number - 1]), left)
        except (pypdfium2.PdfiumError, *STOPPED):
            continue
    return found


def _picture(page: pypdfium2.PdfPage) -> bytes:
    width, height = page.get_size()
    scale = min(DOTS_PER_INCH / 72, (MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    out = io.BytesIO()
    page.render(scale=scale, grayscale=True).to_pil().save(out, "PNG", dpi=(scale * 72, scale * 72))
    return out.getvalue()


def _text(picture: bytes, seconds: float) -> str:
    done = subprocess.run(
        ["tesseract", "stdin", "stdout", "-l", _languages()],
        input=picture,
        capture_output=True,
        timeout=seconds,
        check=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    return done.stdout.decode("utf-8", errors="replace")


@cache
def _languages() -> str:
    """The installed languages as Tesseract wants them named, English first; nothing where it is not installed."""
    if not shutil.which("tesseract"):
        return ""
    try:
        listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, timeout=20, check=True)
    except STOPPED:
        return ""
    names = [name for name in listed.stdout.decode().split("\n")[1:] if name and name not in NO_LANGUAGES]
    return "+".join(sorted(names, key=lambda name: (name != "eng", name))[:MOST_LANGUAGES])
