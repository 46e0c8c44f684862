"""Reading files: real ones, made ones, and those made to do harm."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from reportlab.lib import colors, pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Table,
    TableStyle,
)

from knowledge.parsing import Limits, ParsedDocument, ParseError, nursery, parse, parse_in_process
from knowledge.parsing.blocks import Block, from_wire, to_wire
from knowledge.parsing.errors import MESSAGES

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
WORD_FILES = sorted((SHARED / "docx").glob("*.docx"))
STYLES = getSampleStyleSheet()
PROSE = (
    "Withdrawals before the end of the term carry an early-access charge of 90 days of interest, e.g. £12.50 on a "
    "balance of £1,000. Give notice by phone or in any branch, and the money comes by 5 p.m. on the next working day. "
)
HEADER = ["Account", "Rate", "Minimum"]


def pdf(story: list[Flowable], decorate: Callable[..., None] = lambda canvas, document: None) -> bytes:
    out = io.BytesIO()
    SimpleDocTemplate(out, pagesize=A4).build(story, onFirstPage=decorate, onLaterPages=decorate)
    return out.getvalue()


def drawn(*lines: str, pages: int = 1, **options: object) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, **options)
    for _ in range(pages):
        for index, line in enumerate(lines):
            canvas.drawString(72, 700 - 14 * index, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def grid(rows: list[list[str]], ruled: bool = True) -> Table:
    return Table(rows, style=TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)] if ruled else []))


def word(build: Callable[[docx.document.Document], None]) -> bytes:
    document, out = docx.Document(), io.BytesIO()
    build(document)
    document.save(out)
    return out.getvalue()


def rezipped(data: bytes, **parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name.rpartition("/")[2].removesuffix(".xml"), old.read(name)))
    return out.getvalue()


def of_kind(document: ParsedDocument, kind: str) -> list[Block]:
    return [block for block in document.blocks if block.kind == kind]


def refusal(data: bytes, name: str, limits: Limits = Limits()) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(data, name, limits)
    return caught.value


class TestPdf:
    @pytest.fixture(scope="class")
    @staticmethod
    def terms() -> ParsedDocument:
        def decorate(canvas: Canvas, document: BaseDocTemplate) -> None:
            canvas.setFont("Helvetica", 8)
            canvas.drawString(72, A4[1] - 40, "Meridian Bank, savings terms")
            canvas.drawRightString(A4[0] - 72, 30, f"Page {document.page} of 5")

        story: list[Flowable] = [Paragraph("Savings terms", STYLES["Title"])]
        for number in range(1, 6):
            story += [
                Paragraph(f"{number}. Topic {number}", STYLES["Heading2"]),
                Paragraph(f"Case {number}. {PROSE * 3}", STYLES["BodyText"]),
                Paragraph("To close the account you need:", STYLES["BodyText"]),
                ListFlowable(
                    [ListItem(Paragraph(text, STYLES["BodyText"])) for text in ("a passport " * 20, "the card")],
                    bulletType="bullet",
                ),
                grid([HEADER, *[[f"Saver {number}.{row}", f"{row}.25%", f"£{row}00"] for row in range(1, 9)]]),
                Paragraph(PROSE * 4, STYLES["BodyText"]),
                grid(
                    [HEADER, *[[f"Plain {number}.{row}", f"{row}.5%", f"£{row}50"] for row in range(1, 4)]], ruled=False
                ),
                Paragraph(PROSE * 2, STYLES["BodyText"]),
            ]
        return parse(pdf(story, decorate), "terms.pdf")

    def test_headings_come_from_the_size_of_the_letters(self, terms: ParsedDocument) -> None:
        assert [(block.text, block.level) for block in of_kind(terms, "heading")] == [
            ("Savings terms", 1),
            *[(f"{number}. Topic {number}", 2) for number in range(1, 6)],
        ]
        assert terms.title == "Savings terms"

    def test_tables_are_rows_and_not_told_again_as_text(self, terms: ParsedDocument) -> None:
        rows = [row for block in of_kind(terms, "table") for row in block.rows or ()]
        for number in range(1, 6):
            for row in range(1, 9):
                assert rows.count((f"Saver {number}.{row}", f"{row}.25%", f"£{row}00")) == 1
            for row in range(1, 4):
                assert rows.count((f"Plain {number}.{row}", f"{row}.5%", f"£{row}50")) == 1
        assert all((block.rows or ((),))[0] == tuple(HEADER) for block in of_kind(terms, "table"))
        assert not any("Saver 1" in block.text for block in terms.blocks if block.kind != "table")

    def test_what_runs_along_the_margins_is_left_out(self, terms: ParsedDocument) -> None:
        text = "\n".join(block.text for block in terms.blocks)
        assert "Meridian Bank" not in text
        assert "of 5" not in text

    def test_paragraphs_are_whole_also_across_pages(self, terms: ParsedDocument) -> None:
        prose = [block.text for block in of_kind(terms, "paragraph") if "early-access" in block.text]
        assert len(prose) == 15
        assert prose[0] == f"Case 1. {PROSE * 3}".strip()
        assert {block.page for block in terms.blocks} == set(range(1, (terms.pages or 0) + 1))

    def test_lists(self, terms: ParsedDocument) -> None:
        items = [block.text for block in of_kind(terms, "list_item")]
        assert items == ["a passport " * 19 + "a passport", "the card"] * 5

    def test_two_columns_are_read_one_after_the_other(self) -> None:
        out = io.BytesIO()
        document = BaseDocTemplate(out, pagesize=A4)
        document.addPageTemplates(PageTemplate(frames=[Frame(50, 50, 240, 740), Frame(305, 50, 240, 740)]))
        document.build([Paragraph(f"Point {number}. {PROSE}", STYLES["BodyText"]) for number in range(12)])
        found = parse(out.getvalue(), "columns.pdf").blocks
        assert [block.text for block in found] == [f"Point {number}. {PROSE}".strip() for number in range(12)]

    def test_divided_words_are_joined_and_compounds_kept(self) -> None:
        data = drawn("The with-", "drawal is non-", "refundable, and a long-", "term plan is a long-term one.")
        text = parse(data, "x.pdf").blocks[0].text
        assert text == "The withdrawal is non-refundable, and a long-term plan is a long-term one."

    def test_fake_bold_is_read_once(self) -> None:
        out = io.BytesIO()
        canvas = Canvas(out)
        for shift in (0, 0.3):
            canvas.drawString(72 + shift, 700, "Opening hours of the branch")
        canvas.save()
        assert parse(out.getvalue(), "x.pdf").blocks[0].text == "Opening hours of the branch"

    def test_refusals(self) -> None:
        locked = drawn("secret", encrypt=pdfencrypt.StandardEncryption("pass", canPrint=0))
        assert refusal(locked, "a.pdf").message == (
            "This PDF is password-protected. Save a copy without a password and upload that."
        )
        assert refusal(locked, "a.pdf").code == "encrypted"
        assert refusal(drawn(pages=2), "a.pdf").code == "empty"
        too_many = refusal(drawn("x", pages=3), "a.pdf", Limits(max_pages=2))
        assert (too_many.code, "3 pages" in too_many.message) == ("too_many_pages", True)
        whole = drawn("some text")
        assert refusal(b"%PDF-1.7\n" + os.urandom(4000), "a.pdf").code == "broken"
        assert refusal(whole[:200], "a.pdf").code == "broken"
        assert refusal(whole, "a.pdf", Limits(seconds=-1)).code == "too_slow"


class TestWord:
    @pytest.mark.skipif(not WORD_FILES, reason="the shared data are not here")
    @pytest.mark.parametrize("path", WORD_FILES, ids=lambda path: path.stem)
    def test_survives_every_odd_file(self, path: Path) -> None:
        words = " ".join(docx.Document(str(path)).element.body.xpath(".//w:t/text()")).split()
        if not words:
            assert refusal(path.read_bytes(), path.name).code == "empty"
            return
        text = " ".join(block.text for block in parse(path.read_bytes(), path.name).blocks)
        assert [word for word in words if word not in text] == []

    def test_headings_lists_and_tables_in_their_order(self) -> None:
        def build(document: docx.document.Document) -> None:
            document.add_heading("Lending guide", 0)
            document.add_heading("Fees", 1)
            document.add_paragraph("You pay:")
            document.add_paragraph("an arrangement fee", style="List Bullet")
            document.add_paragraph("Apply", style="List Number")
            document.add_paragraph("Sign", style="List Number")
            table = document.add_table(3, 3)
            for row, cells in zip(table.rows, [HEADER, ["Saver", "3.1%", "£1"], ["Bond", "4%", "£500"]], strict=True):
                for cell, text in zip(row.cells, cells, strict=True):
                    cell.text = text
            document.add_paragraph("").add_run("Good to know").bold = True
            document.add_paragraph("It is regulated.")

        found = parse(word(build), "guide.docx")
        assert [(block.kind, block.level, block.text) for block in found.blocks if block.kind != "table"] == [
            ("heading", 1, "Lending guide"),
            ("heading", 2, "Fees"),
            ("paragraph", None, "You pay:"),
            ("list_item", 1, "an arrangement fee"),
            ("list_item", 1, "1. Apply"),
            ("list_item", 1, "2. Sign"),
            ("heading", 4, "Good to know"),
            ("paragraph", None, "It is regulated."),
        ]
        assert found.blocks[6].rows == (tuple(HEADER), ("Saver", "3.1%", "£1"), ("Bond", "4%", "£500"))
        assert found.title == "Lending guide"

    def test_bombs_are_refused_before_they_go_off(self) -> None:
        plain = word(lambda document: document.add_paragraph("hello"))
        zeros = rezipped(plain, document=b"0" * (3 * 1024 * 1024))
        assert refusal(zeros, "a.docx", Limits(max_unpacked_bytes=1024 * 1024)).code == "too_large"
        laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
        for source in (laughs, laughs.decode().encode("utf-16")):
            assert "office programs never write" in refusal(rezipped(plain, document=source), "a.docx").message

    def test_broken_and_protected_files(self) -> None:
        plain = word(lambda document: document.add_paragraph("hello"))
        assert refusal(plain[: len(plain) // 2], "a.docx").code == "broken"
        assert refusal(rezipped(plain, document=b"<w:broken"), "a.docx").code == "broken"
        assert refusal(b"PK\x03\x04" + os.urandom(500), "a.docx").code == "broken"
        old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
        assert refusal(old, "a.doc").code == "unsupported"
        assert refusal(old + "EncryptedPackage".encode("utf-16-le"), "a.docx").code == "encrypted"
        assert refusal(word(lambda document: None), "a.docx").code == "empty"


class TestHtml:
    PAGE = b"""<!doctype html><html><head><title>Returns | Harbor</title><style>p{}</style>
    <link rel=canonical href="https://harbor.example/returns">
    <meta property="article:modified_time" content="2026-03-04T10:00:00Z">
    </head><body><nav>Home Shop</nav><header>Harbor Outfitters</header><main><h1>Returns</h1>
    <p>Send it back <b>within</b> 30&nbsp;days.<br>Keep the label.</p>
    <div hidden>secret</div><p style="display: none">no</p>
    <script>var x = 1</script><h2>How</h2><ol start=3><li>Pack it<ul><li>well</li></ul></li><li>Post it</li></ol>
    <dl><dt>Cost</dt><dd>None</dd></dl><details><summary>What of sale items?</summary>They too.</details>
    <table><tr><th>Country<th colspan=2>Days</tr><tr><td rowspan=2>France<td>3<td>5</tr><tr><td>4<td>6</tr></table>
    <pre>if a:\n    b</pre></main><footer>Contact us</footer></body></html>"""

    def test_main_content_only_and_in_order(self) -> None:
        found = parse(self.PAGE, "page.html")
        assert [(block.kind, block.level, block.text) for block in found.blocks if block.kind != "table"] == [
            ("heading", 1, "Returns"),
            ("paragraph", None, "Send it back within 30 days.\nKeep the label."),
            ("heading", 2, "How"),
            ("list_item", 1, "3. Pack it"),
            ("list_item", 2, "well"),
            ("list_item", 1, "4. Post it"),
            ("list_item", 1, "Cost: None"),
            ("heading", 3, "What of sale items?"),
            ("paragraph", None, "They too."),
            ("code", None, "if a:\n    b"),
        ]
        assert of_kind(found, "table")[0].rows == (
            ("Country", "Days", "Days"),
            ("France", "3", "5"),
            ("France", "4", "6"),
        )
        assert found.title == "Returns"
        assert (found.meta.url, str(found.meta.date)) == ("https://harbor.example/returns", "2026-03-04")

    def test_hostile_pages(self) -> None:
        deep = b"<html><body>" + b"<div>" * 20000 + b"bottom" + b"</div>" * 20000 + b"<p>tail</p>"
        assert [block.text for block in parse(deep, "a.html").blocks] == ["bottom", "tail"]
        wide = b"<html><table><tr><td colspan=999999999 rowspan=99999999>a</td></tr><tr><td>b<td>c</tr></table>end"
        found = parse(wide, "a.html").blocks
        assert [block.kind for block in found] == ["table", "paragraph"]
        assert len(found[0].rows or ()) == 3
        assert refusal(b"<html><body><script>1</script></body></html>", "a.html").code == "empty"


class TestTexts:
    def test_markdown(self) -> None:
        source = (
            '---\ntitle: "Card fees"\nurl: https://x.example/fees\nid: doc-7\ndate: 4 March 2026\n---\n'
            "# Fees\n\nWe *charge*:\n\n"
            "- a fee\n  1. each month\n\n| Card | Fee |\n|---|---|\n| Gold | £5 |\n| Blue | £0 |\n\n```\nx = 1\n```\n"
        )
        found = parse(source.encode(), "fees.md")
        assert [(block.kind, block.level, block.text) for block in found.blocks if block.kind != "table"] == [
            ("heading", 1, "Fees"),
            ("paragraph", None, "We charge:"),
            ("list_item", 1, "a fee"),
            ("list_item", 2, "1. each month"),
            ("code", None, "x = 1"),
        ]
        assert of_kind(found, "table")[0].rows == (("Card", "Fee"), ("Gold", "£5"), ("Blue", "£0"))
        assert (found.title, found.meta.url, found.meta.id) == ("Card fees", "https://x.example/fees", "doc-7")
        assert str(found.meta.date) == "2026-03-04"

    def test_plain_text_headings_are_taken_with_care(self) -> None:
        source = (
            "Branch guide\n\nOPENING HOURS\n\nWe open at nine on weekdays and at ten on Saturdays, and close at 5.\n\n"
            "Closing an account\n\nCome in with your card and your passport, and we close it while you wait.\n\n"
            "1. Bring the card\n2. Sign the form\n\nThank you.\n"
        )
        found = parse(source.encode(), "guide.txt")
        assert [(block.text, block.level) for block in of_kind(found, "heading")] == [
            ("Branch guide", 1),
            ("OPENING HOURS", 2),
            ("Closing an account", 2),
        ]
        assert [block.text for block in of_kind(found, "list_item")] == ["1. Bring the card", "2. Sign the form"]
        assert found.blocks[-1] == Block("paragraph", "Thank you.")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
    def test_encodings(self, encoding: str) -> None:
        text = "The café’s fee is £5 – or €6. Déjà vu: naïve façade."
        assert parse(text.encode(encoding), "a.txt").blocks[0].text == text

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("cp1251", "Возврат товара возможен в течение четырнадцати дней с момента получения заказа покупателем."),
            (
                "cp1250",
                "Zwrot towaru jest możliwy w ciągu czternastu dni od otrzymania zamówienia, proszę zachować paragon.",
            ),
            ("shift_jis", "商品の返品は、受け取ってから十四日以内に可能です。レシートを保管してください。"),
        ],
    )
    def test_other_scripts(self, encoding: str, text: str) -> None:
        assert parse(text.encode(encoding), "a.txt").blocks[0].text == text

    def test_control_characters_do_not_reach_the_database(self) -> None:
        found = parse(b"One\x00 two\x07 three\x1b\xc2\x85four\xe2\x80\x8b five", "a.txt")
        assert found.blocks[0].text == "One two three\nfour five"


class TestSniffing:
    def test_content_decides_where_it_can(self) -> None:
        assert parse(drawn("Fees are low"), "fees.txt").pages == 1
        assert parse(drawn("Fees are low"), "fees.docx").pages == 1
        assert parse(TestHtml.PAGE, "page.txt").title == "Returns"
        assert of_kind(parse(b"# Fees\n\n- one", "pasted"), "heading")[0].text == "Fees"

    @pytest.mark.parametrize(
        ("data", "name", "code"),
        [
            (b"Just words", "a.pdf", "mislabelled"),
            (b"Just words", "a.docx", "mislabelled"),
            (b"\x89PNG\r\n\x1a\n" + bytes(64), "a.pdf", "mislabelled"),
            (bytes(range(256)) * 20, "a.txt", "mislabelled"),
            (b"\x89PNG\r\n\x1a\n" + bytes(64), "a.png", "unsupported"),
            (b"{\\rtf1 hello}", "a.rtf", "unsupported"),
            (b"{}", "a.json", "unsupported"),
            (b"Just words", "a.eml", "mislabelled"),
            (b"Just words", "a.xlsx", "mislabelled"),
            (b"\xd0\xcf\x11\xe0" + bytes(64), "a.xls", "unsupported"),
            (b"", "a.txt", "empty"),
            (b" \n\x00 ", "a.pdf", "empty"),
            (b"\xef\xbb\xbf", "a.md", "empty"),
            (b"--- ...", "a.txt", "empty"),
        ],
    )
    def test_refusals(self, data: bytes, name: str, code: str) -> None:
        assert refusal(data, name).code == code

    def test_archives_are_named(self) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("photos/1.txt", "hello")
        assert "named .docx, but it is an archive" in refusal(out.getvalue(), "a.docx").message
        assert refusal(out.getvalue(), "a.zip").code == "unsupported"

    def test_too_large(self) -> None:
        error = refusal(b"a" * 3_000_000, "a.txt", Limits(max_bytes=1024 * 1024))
        assert (error.code, "2.9 MB" in error.message, "1 MB" in error.message) == ("too_large", True, True)


class TestInProcess:
    def test_same_result_and_quickly(self) -> None:
        data = pdf([Paragraph("Hours", STYLES["Title"]), Paragraph(PROSE, STYLES["BodyText"])])
        times = []
        for _ in range(3):
            started = time.monotonic()
            found = parse_in_process(data, "hours.pdf")
            times.append(time.monotonic() - started)
        assert found == parse(data, "hours.pdf")
        assert min(times) < 0.5

    def test_errors_come_back_whole(self) -> None:
        with pytest.raises(ParseError, match="password-protected") as caught:
            parse_in_process(drawn("x", encrypt=pdfencrypt.StandardEncryption("pass")), "a.pdf")
        assert caught.value.code == "encrypted"

    def test_time_and_memory_run_out_in_words(self) -> None:
        many = drawn("x " * 40, pages=400)
        page = b"<p>some words <b>and more</b></p>" * 100_000
        little = Limits(memory_bytes=110 * 1024 * 1024)
        for data, name, limits, code in (
            (many, "a.pdf", Limits(seconds=0.3), "too_slow"),
            (page, "a.html", little, "memory"),
        ):
            with pytest.raises(ParseError) as caught:
                parse_in_process(data, name, limits)
            assert (caught.value.code, caught.value.message) == (code, MESSAGES[code])

    def test_one_nursery_serves_many_and_is_replaced_when_it_is_killed(self) -> None:
        before = parse_in_process(b"# Hours\n\nWe open at nine.", "hours.md")
        [started] = nursery._nurseries
        assert parse_in_process(b"# Hours\n\nWe open at nine.", "hours.md") == before
        assert nursery._nurseries == [started]
        started._process.kill()
        started._process.wait()
        assert parse_in_process(b"# Hours\n\nWe open at nine.", "hours.md") == before

    def test_a_file_cannot_answer_for_the_next_one(self) -> None:
        page = b"<p>some words</p>" * 200_000
        with pytest.raises(ParseError):
            parse_in_process(page, "a.html", Limits(memory_bytes=110 * 1024 * 1024))
        assert "nine" in parse_in_process(b"We open at nine.", "hours.txt").blocks[0].text

    def test_wire_keeps_everything(self) -> None:
        found = parse(b"---\ntitle: T\ndate: 2026-01-02\n---\n# H\n\n|a|b|\n|-|-|\n|c|d|\n", "a.md")
        assert from_wire(to_wire(found)) == found
