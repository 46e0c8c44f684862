"""Pages that are only pictures: said plainly, and read by Tesseract where it is installed."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from knowledge.parsing import ParseError, parse, parse_in_process, recognition
from knowledge.parsing.notes import ranges

WRITTEN = "The harbour office opens at nine."
has_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")


def scan(words: str) -> ImageReader:
    picture = Image.new("L", (1240, 400), 255)
    ImageDraw.Draw(picture).text((60, 150), words, 0, ImageFont.load_default(56))
    return ImageReader(picture)


def document(pages: Sequence[str], scanned: Sequence[int]) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842))
    for number, words in enumerate(pages, 1):
        if number in scanned:
            canvas.drawImage(scan(words), 0, 500, 595, 192)
        else:
            canvas.drawString(72, 700, words)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture
def no_recognition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "is_installed", lambda: False)


def test_pages_without_text_are_named(no_recognition: None) -> None:
    data = document(["One page.", "Two.", "x", "x", "x", "Six.", "x"], scanned=(3, 4, 5, 7))
    found = parse(data, "terms.pdf")
    assert [(block.text, block.page) for block in found.blocks] == [("One page.", 1), ("Two.", 2), ("Six.", 6)]
    assert found.notes == (
        "Pages 3–5 and 7 are pictures without text, so nothing on them can be answered. Upload a version with text, or "
        "install text recognition (Tesseract) on the server.",
    )


def test_a_document_of_nothing_but_pictures_is_refused(no_recognition: None) -> None:
    with pytest.raises(ParseError, match="probably a scan") as caught:
        parse(document(["x", "x"], scanned=(1, 2)), "terms.pdf")
    assert caught.value.code == "scanned"


@has_tesseract
def test_pictures_of_text_are_read() -> None:
    found = parse_in_process(document(["Harbour guide", WRITTEN, ""], scanned=(2, 3)), "guide.pdf")
    assert [(block.text, block.page) for block in found.blocks] == [("Harbour guide", 1), (WRITTEN, 2)]
    assert found.notes == (
        "Page 2 is a picture whose text was recognised, so there may be slips in it.",
        "Page 3 is a picture in which no text was found.",
    )


@has_tesseract
def test_what_does_not_fit_into_the_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "recognise", lambda data, pages, deadline: {2: WRITTEN})
    found = parse(document(["One page.", "x", "x", "x"], scanned=(2, 3, 4)), "guide.pdf")
    assert found.notes[-1] == (
        "Pages 3–4 are pictures that could not be read in time. Split the file into smaller ones and upload those."
    )


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([4], "Page 4"),
        ([2, 3], "Pages 2–3"),
        ([1, 3, 5, 6], "Pages 1, 3 and 5–6"),
        (range(1, 40, 2), "Pages 1, 3, 5, 7, 9, 11, 13, 15 and 12 more"),
    ],
)
def test_ranges(numbers: Sequence[int], said: str) -> None:
    assert ranges(numbers) == said
