"""Files made to do harm, each by the trick that its name tells: bombs, loops, nests, floods, lies and scraps."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import docx
import pptx
import xlsxwriter
from openpyxl.workbook import Workbook
from reportlab.pdfgen.canvas import Canvas

MILLION = 1_000_000
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LAUGHS = (
    '<!DOCTYPE lol [<!ENTITY a "hahahahaha">'
    + "".join(f'<!ENTITY {new} "{("&" + old + ";") * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>'


def files() -> Iterator[tuple[str, bytes]]:
    """(name, content) of every hostile file, made one at a time."""
    for make in (_archives, _definitions, _pdfs, _wide_tables, _nests, _floods, _mails, _scraps):
        for name, content in make():
            yield name, content() if callable(content) else content


Made = Iterator[tuple[str, bytes | Callable[[], bytes]]]


def word() -> bytes:
    document, out = docx.Document(), io.BytesIO()
    document.add_paragraph("A harmless sentence about opening hours.")
    document.save(out)
    return out.getvalue()


def workbook() -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.active.append(["Branch", "Hours"])
    book.active.append(["Cork", "9 to 5"])
    book.save(out)
    return out.getvalue()


def presentation() -> bytes:
    slides, out = pptx.Presentation(), io.BytesIO()
    slides.slides.add_slide(slides.slide_layouts[5]).shapes.title.text = "Opening hours"
    slides.save(out)
    return out.getvalue()


def printed(pages: int = 1) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for number in range(pages):
        canvas.drawString(72, 700, f"Page {number} of the opening hours.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _replaced(data: bytes, ending: str, content: bytes) -> bytes:
    """An office file with the part of this name replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith(ending) else old.read(name))
    return out.getvalue()


def _archives() -> Made:
    zeros = b"0" * (201 * 1024 * 1024)
    for name, whole, part in (
        ("bomb.docx", word(), "document.xml"),
        ("bomb.xlsx", workbook(), "sheet1.xml"),
        ("bomb.pptx", presentation(), "slide1.xml"),
    ):
        bomb = _replaced(whole, part, zeros)
        yield name, bomb
        # The directory says that the part is small, and only unpacking shows that it is not.
        yield f"lying-{name}", bomb.replace(len(zeros).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    yield "members.xlsx", _many_members
    yield "renamed-archive.docx", _many_members


def _many_members() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"xl/part{number}.xml", b"")
    return out.getvalue()


def _definitions() -> Made:
    for kind, definition, use in (("laughs", LAUGHS, "&i;"), ("outside", OUTSIDE, "&i;")):
        for name, whole, part, root in (
            ("docx", word(), "word/document.xml", "w:document"),
            ("xlsx", workbook(), "xl/workbook.xml", "workbook"),
            ("pptx", presentation(), "ppt/presentation.xml", "p:presentation"),
        ):
            source = f'<?xml version="1.0"?>{definition}<{root}>{use}</{root}>'
            yield f"{kind}.{name}", _replaced(whole, part, source.encode())
            yield f"{kind}-utf16.{name}", _replaced(whole, part, source.encode("utf-16"))
    yield "laughs.html", f"{LAUGHS}<html><body><p>Some words &i;</p></body></html>".encode()


def pdf(*objects: str | bytes, trailer: str = "") -> bytes:
    """A PDF of these numbered objects, the first of them the catalogue, with a table of where they lie."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += (
            f"{number} 0 obj\n".encode() + (content if isinstance(content, bytes) else content.encode()) + b"\nendobj\n"
        )
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += "".join(f"{place:010} 00000 n \n" for place in places).encode()
    out += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R{trailer.format(start=start)}>>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())


def stream(content: bytes, filters: int = 0, more: str = "") -> bytes:
    for _ in range(filters):
        content = zlib.compress(content, 9)
    named = f"/Filter[{'/FlateDecode' * filters}]" if filters else ""
    return f"<</Length {len(content)}{named}{more}>>stream\n".encode() + content + b"\nendstream"


CATALOGUE, FONT = "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PAGES = "<</Type/Pages/Count 1/Kids[3 0 R]>>"
PAGE = (
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R"
    "/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>>>"
)
WORDS = b"BT /F 12 Tf 72 700 Td (Opening hours are nine to five.) Tj ET"


def _pdfs() -> Made:
    kids = " ".join(f"{number} 0 R" for number in range(4, 10_004))
    pages = ["<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"] * 10_000
    yield "ten-thousand-pages.pdf", pdf(CATALOGUE, f"<</Type/Pages/Count 10000/Kids[{kids}]>>", FONT, *pages)
    yield "pages-loop.pdf", pdf(CATALOGUE, "<</Type/Pages/Count 2/Kids[2 0 R 2 0 R]/Parent 2 0 R>>")
    yield "page-is-its-parent.pdf", pdf(CATALOGUE, PAGES, "<</Type/Pages/Kids[2 0 R 3 0 R]/Parent 3 0 R>>")
    yield "tables-loop.pdf", pdf(CATALOGUE, PAGES, PAGE, stream(WORDS), FONT, trailer="/Prev {start}")
    drawn = stream(b"/X Do /X Do " + WORDS, more="/Type/XObject/Subtype/Form/Resources<</XObject<</X 6 0 R>>>>")
    yield "picture-of-itself.pdf", pdf(CATALOGUE, PAGES, PAGE, stream(b"/X Do " + WORDS), FONT, drawn)
    yield "length-loop.pdf", pdf(CATALOGUE, PAGES, PAGE, b"<</Length 4 0 R>>stream\n" + WORDS + b"\nendstream", FONT)
    yield "reference-loop.pdf", pdf("2 0 R", "1 0 R")
    yield "flood.pdf", lambda: pdf(CATALOGUE, PAGES, PAGE, stream(b" " * (1500 * MILLION // 10), 3), FONT)
    yield (
        "text-flood.pdf",
        lambda: pdf(CATALOGUE, PAGES, PAGE, stream(b"BT /F 1 Tf (word) Tj ET\n" * (MILLION // 10), 2), FONT),
    )
    yield "nested-arrays.pdf", pdf(CATALOGUE, PAGES, PAGE, stream(b"[" * (MILLION // 10)), FONT)


def _wide_tables() -> Made:
    yield "million-columns.csv", b",".join([b"a"] * MILLION) + b"\n" + b",".join([b"1"] * MILLION)
    yield "many-columns.html", b"<html><body><table><tr>" + b"<td>a" * (MILLION // 10) + b"</tr></table></body></html>"
    yield "many-columns.md", b"\n".join(cell * (MILLION // 10) for cell in (b"|a", b"|-", b"|b"))
    cells = "".join(f'<c t="inlineStr"><is><t>{number}</t></is></c>' for number in range(MILLION))
    sheet = f'<worksheet xmlns="{SPREADSHEET}"><sheetData><row r="1">{cells}</row></sheetData></worksheet>'
    yield "million-columns.xlsx", _replaced(workbook(), "sheet1.xml", sheet.encode())
    corner = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    far = f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{corner}</sheetData></worksheet>'
    yield "far-corner.xlsx", _replaced(workbook(), "sheet1.xml", far.encode())
    yield "repeated-text.xlsx", _repeated_text
    yield "spans.html", b"<html><table>" + b"<tr><td colspan=1000000 rowspan=1000000>a</td></tr>" * 2000 + b"</table>"


def _repeated_text() -> bytes:
    """A text that is stored once and shown half a million times."""
    strings = f'<sst xmlns="{SPREADSHEET}"><si><t>{"long text " * 3000}</t></si></sst>'
    rows = '<row><c t="s"><v>0</v></c><c t="s"><v>0</v></c></row>' * (MILLION // 4)
    sheet = f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{rows}</sheetData></worksheet>'
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet().write(0, 0, "shared")
    return _replaced(_replaced(out.getvalue(), "sharedStrings.xml", strings.encode()), "sheet1.xml", sheet.encode())


def _nests() -> Made:
    deep = 100_000
    yield "nest.html", b"<html><body>" + b"<div><b>" * (deep // 4) + b"bottom"
    yield "nested-tables.html", b"<html><body>" + b"<table><tr><td>a" * 3000
    yield "nest.md", b">" * deep + b" deep\n\n" + b"- " * 2000 + b"item"
    yield "brackets.md", b"# T\n\n" + b"[" * (deep // 50) + b"a" + b"](" * (deep // 50)
    yield "stars.md", b"# T\n\n" + b"*a _b " * (deep // 50)
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    nest = f"<w:document {namespace}><w:body>{'<w:tbl><w:tr><w:tc>' * 50_000}</w:body></w:document>"
    yield "nest.docx", _replaced(word(), "document.xml", nest.encode())


def _floods() -> Made:
    yield "one-word.txt", b"a" * (MILLION // 50)
    yield "one-line.txt", b"word " * (MILLION // 50)
    yield "stops.txt", b"." * (MILLION // 100) + b" word"
    yield "too-much-text.txt", b"some words and more. " * 900_000
    yield "empty-lines.txt", b"word" + b"\n" * (15 * MILLION)
    yield "headings.md", b"".join(b"# Heading %d\n\n" % number for number in range(20_000))
    yield "comments.html", b"<!--" * 1000 + b"<!---->" * 5000 + b"<html><p>words"
    yield "too-large.txt", b"a" * (21 * MILLION)


def _mails() -> Made:
    mail = EmailMessage()
    mail["Subject"] = "Opening hours"
    mail.set_content("Nine to five.")
    bombed = EmailMessage()
    bombed["Subject"] = "Opening hours"
    bombed.set_content("Nine to five.")
    bomb = _replaced(word(), "document.xml", b"0" * (201 * 1024 * 1024))
    bombed.add_attachment(bomb, maintype="application", subtype="zip", filename="hours.docx")
    yield "bomb-attached.eml", bombed.as_bytes()
    for depth in range(60):
        outer = EmailMessage()
        outer["Subject"] = f"Fwd {depth}"
        outer.set_content(f"See below, {depth}.")
        outer.add_attachment(mail)
        mail = outer
    yield "mail-in-mail.eml", mail.as_bytes()
    opening = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(1000))
    yield "parts-in-parts.eml", b"Subject: x\n" + opening + b"\nwords\n"
    parts = b"".join(b"--b\nContent-Type: text/plain; name=%d.txt\n\nPart %d.\n" % (n, n) for n in range(5000))
    yield "many-parts.eml", b'Subject: x\nContent-Type: multipart/mixed; boundary="b"\n\n' + parts + b"--b--\n"
    yield (
        "bad-headers.eml",
        b"Subject: =?utf-99?q?=ff?=\nDate: never\nContent-Type: text/plain; charset=\xff\n\nWords here.\n",
    )


def _scraps() -> Made:
    for name, whole in (("docx", word()), ("xlsx", workbook()), ("pptx", presentation()), ("pdf", printed(3))):
        yield f"half.{name}", whole[: len(whole) // 2]
        yield f"tail.{name}", whole[len(whole) // 2 :]
        yield f"scrambled.{name}", _scrambled(whole)
    noise = random.Random(7).randbytes(200_000)
    for extension in ("pdf", "docx", "xlsx", "pptx", "csv", "eml", "html", "md", "txt", "zip", "exe"):
        yield f"noise.{extension}", noise
    yield "picture.pdf", b"\x89PNG\r\n\x1a\n" + noise
    yield "program.docx", b"MZ" + noise
    yield "sheet-named.pdf", workbook()
    yield "page-named.docx", b"<!doctype html><html><body><p>Opening hours</p></body></html>"
    yield "only-spaces.txt", b" \n" * MILLION
    yield "nothing-but-signs.csv", b",,,,\n" * 100_000


def _scrambled(whole: bytes) -> bytes:
    """The same file with one byte in a hundred changed."""
    chance = random.Random(11)
    changed = bytearray(whole)
    for place in chance.sample(range(100, len(whole)), len(whole) // 100):
        changed[place] = chance.randrange(256)
    return bytes(changed)
