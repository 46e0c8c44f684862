"""Presentations, spreadsheets, separated values and e-mails, as other programs write them."""

from __future__ import annotations

import datetime
import io
import zipfile
from email.message import EmailMessage

import openpyxl
import pptx
import pytest
from openpyxl.workbook import Workbook
from pptx.presentation import Presentation
from pptx.util import Inches

from knowledge.parsing import Block, Limits, ParsedDocument, ParseError, parse, parse_in_process
from knowledge.parsing.number_format import shown

RATES = [["Account", "Rate", "Minimum"], ["Saver", "3.1%", "£1"], ["Bond", "4%", "£500"]]
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000"
    "000049454e44ae426082"
)


def workbook_bytes(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def presentation_bytes(slides: Presentation) -> bytes:
    out = io.BytesIO()
    slides.save(out)
    return out.getvalue()


def told(document: ParsedDocument) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in document.blocks]


def only_table(document: ParsedDocument) -> Block:
    [table] = [block for block in document.blocks if block.kind == "table"]
    return table


class TestSpreadsheets:
    def test_numbers_are_read_as_they_are_shown(self) -> None:
        book = Workbook()
        page = book.active
        page.title = "Savings"
        page.append(["Savings rates from March"])
        page.append(["Account", "Rate", "Minimum", "From", "Open", "Note"])
        page.append(["Saver", 0.031, 1000, datetime.date(2026, 3, 4), True, None])
        page.append(["Bond", 0.04, 250000.5, datetime.datetime(2026, 5, 6, 9, 30), False, 0.1 + 0.2])
        for row in (3, 4):
            page.cell(row, 2).number_format = "0.0%"
            page.cell(row, 3).number_format = "[$£-809]#,##0.00;[Red]-[$£-809]#,##0.00"
        found = parse(workbook_bytes(book), "rates.xlsx")
        assert told(found)[0] == ("heading", "Savings") or only_table(found).caption == "Savings rates from March"
        assert only_table(found).rows == (
            ("Account", "Rate", "Minimum", "From", "Open", "Note"),
            ("Saver", "3.1%", "£1,000.00", "4 March 2026", "Yes", ""),
            ("Bond", "4.0%", "£250,000.50", "6 May 2026, 09:30", "No", "0.3"),
        )
        assert only_table(found).caption == "Savings rates from March"

    def test_what_is_hidden_stays_hidden_and_what_is_merged_is_repeated(self) -> None:
        book = Workbook()
        page = book.active
        page.title = "Fees"
        rows = [
            ["Card", "Kind", "Cost price", "Fee"],
            ["Gold", "Abroad", 9, 1],
            [None, "At home", 8, 2],
            ["Red", "x", 7, 3],
        ]
        for row in rows:
            page.append(row)
        page.merge_cells("A2:A3")
        page.column_dimensions["C"].hidden = True
        page.row_dimensions[4].hidden = True
        book.create_sheet("Margins").append(["secret", "numbers"])
        book["Margins"].sheet_state = "hidden"
        found = parse(workbook_bytes(book), "fees.xlsx")
        assert only_table(found).rows == (("Card", "Kind", "Fee"), ("Gold", "Abroad", "1"), ("Gold", "At home", "2"))
        assert "secret" not in str(found)

    def test_several_sheets_and_tables_each_under_its_own_header(self) -> None:
        book = Workbook()
        first, second = book.active, book.create_sheet("Phones")
        first.title = "Branches"
        for row in (
            ["Branch", "Hours"],
            ["Cork", "9 to 5"],
            [None],
            ["Galway", "10 to 4"],
            [None],
            ["Closed on Sundays."],
        ):
            first.append(row)
        for row in (["Calls by year"], ["Line", 2025, 2026], ["Sales", 10, 20]):
            second.append(row)
        found = parse(workbook_bytes(book), "branches.xlsx")
        assert [(block.text if block.kind != "table" else block.rows) for block in found.blocks] == [
            "Branches",
            (("Branch", "Hours"), ("Cork", "9 to 5")),
            (("Branch", "Hours"), ("Galway", "10 to 4")),
            "Closed on Sundays.",
            "Phones",
            (("Line", "2025", "2026"), ("Sales", "10", "20")),
        ]

    def test_too_many_columns_are_told(self) -> None:
        book = Workbook()
        book.active.append([f"Column {number}" for number in range(150)])
        book.active.append(["x"] * 150)
        found = parse(workbook_bytes(book), "wide.xlsx")
        assert found.notes == ("The sheet “Sheet” has more than 100 columns; only the first 100 were read.",)
        assert len((only_table(found).rows or ((),))[0]) == 100

    @pytest.mark.parametrize(
        ("number", "code", "text"),
        [
            (0.031, "0.0%", "3.1%"),
            (1234.5, "#,##0.00", "1,234.50"),
            (1234.5, '"CHF" #,##0.00', "CHF 1,234.50"),
            (12, '0" days"', "12 days"),
            (-3.5, "0.00;[Red](0.00)", "-3.50"),
            (7, "000", "007"),
            (1.5, "0.##", "1.5"),
            (2, "0.##", "2"),
            (0.1 + 0.2, "", "0.3"),
            (46085, "yyyy-mm-dd", "4 March 2026"),
            (46085, "mmm-yy", "March 2026"),
            (0.5, "h:mm", "12:00"),
            (1e300, "yyyy", "1e+300"),
            (0.25, "# ?/?", "0.25"),
            (0, '0.00;-0.00;"free"', "0"),
        ],
    )
    def test_number_formats(self, number: float, code: str, text: str) -> None:
        assert shown(number, code) == text


class TestPresentations:
    def make(self) -> Presentation:
        slides = pptx.Presentation()
        slides.core_properties.title = "Switching banks"
        first = slides.slides.add_slide(slides.slide_layouts[1])
        first.shapes.title.text = "How switching works"
        frame = first.placeholders[1].text_frame
        frame.text = "Sign the form"
        inner = frame.add_paragraph()
        inner.text, inner.level = "at any branch", 1
        first.notes_slide.notes_text_frame.text = "Do not mention the penalty."
        second = slides.slides.add_slide(slides.slide_layouts[5])
        second.shapes.title.text = "Rates"
        table = second.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
        for row, cells in enumerate(RATES):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
        second.shapes.add_textbox(Inches(1), Inches(5), Inches(4), Inches(1)).text_frame.text = "As of March."
        hidden = slides.slides.add_slide(slides.slide_layouts[5])
        hidden.shapes.title.text = "Internal"
        hidden._element.set("show", "0")
        third = slides.slides.add_slide(slides.slide_layouts[6])
        third.shapes.add_picture(io.BytesIO(PNG), Inches(1), Inches(1))
        return slides

    def test_slides_in_their_order_with_lists_and_tables(self) -> None:
        found = parse(presentation_bytes(self.make()), "switching.pptx")
        assert [
            (block.kind, block.text, block.level, block.page) for block in found.blocks if block.kind != "table"
        ] == [
            ("heading", "How switching works", 2, 1),
            ("list_item", "Sign the form", 1, 1),
            ("list_item", "at any branch", 2, 1),
            ("heading", "Rates", 2, 2),
            ("paragraph", "As of March.", None, 2),
        ]
        assert only_table(found).rows == tuple(map(tuple, RATES))
        assert (found.title, found.pages) == ("Switching banks", 3)

    def test_slides_that_are_pictures_are_told(self) -> None:
        found = parse(presentation_bytes(self.make()), "switching.pptx")
        assert found.notes == ("Slide 3 is a picture without text, so nothing on it can be answered.",)
        pictures = pptx.Presentation()
        for _ in range(2):
            pictures.slides.add_slide(pictures.slide_layouts[6]).shapes.add_picture(io.BytesIO(PNG), 0, 0)
        with pytest.raises(ParseError, match="pictures without text"):
            parse(presentation_bytes(pictures), "pictures.pptx")


class TestSeparatedValues:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters(self, delimiter: str) -> None:
        source = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in RATES)
        assert only_table(parse(source.encode("utf-8-sig"), "rates.csv")).rows == tuple(map(tuple, RATES))

    def test_line_breaks_in_cells_ragged_rows_and_captions(self) -> None:
        source = 'Opening hours\n\nBranch,Hours\nCork,"9 to 5,\nbut not on Mondays"\nGalway,10 to 4,by appointment\n'
        found = parse(source.encode(), "hours.csv")
        assert found.blocks[0] == Block("paragraph", "Opening hours")
        assert only_table(found).rows == (
            ("Branch", "Hours", ""),
            ("Cork", "9 to 5, but not on Mondays", ""),
            ("Galway", "10 to 4", "by appointment"),
        )

    def test_a_file_without_header(self) -> None:
        assert only_table(parse(b"Cork,021 1234\nGalway,091 5678\n", "phones.csv")).rows == (
            ("", ""), ("Cork", "021 1234"), ("Galway", "091 5678"),
        )  # fmt: skip


class TestMails:
    def make(self) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = "Ändert sich der Rückgabezeitraum?"
        mail["Date"] = "Wed, 04 Mar 2026 10:00:00 +0000"
        mail["From"] = "Ruth <ruth@harbor.example>"
        mail.set_content("Plain words only.")
        mail.add_alternative("<p>From March you may return goods within <b>45 days</b>.</p>", subtype="html")
        return mail

    def test_subject_text_and_attachments(self) -> None:
        mail = self.make()
        book = Workbook()
        book.active.append(["Country", "Days"])
        book.active.append(["France", 3])
        mail.add_attachment(
            workbook_bytes(book), maintype="application", subtype="octet-stream", filename="delivery.xlsx"
        )
        mail.add_attachment(PNG, maintype="image", subtype="png", filename="map.png")
        inner = EmailMessage()
        inner["Subject"] = "The old rule"
        inner.set_content("It was 30 days.")
        mail.add_attachment(inner)
        found = parse_in_process(mail.as_bytes(), "returns.eml")
        assert told(found) == [
            ("heading", "Ändert sich der Rückgabezeitraum?"),
            ("paragraph", "From March you may return goods within 45 days."),
            ("heading", "delivery.xlsx"),
            ("table", "Country | Days\nFrance | 3"),
            ("heading", "The old rule"),
            ("paragraph", "It was 30 days."),
        ]
        assert found.title == "Ändert sich der Rückgabezeitraum?"
        assert found.meta.date == datetime.date(2026, 3, 4)
        [note] = found.notes
        assert note.startswith("The attachment “map.png” was not read: This file is an image, which cannot be read.")

    def test_mails_within_mails_end_somewhere(self) -> None:
        mail = self.make()
        for depth in range(8):
            outer = EmailMessage()
            outer["Subject"] = f"Level {depth}"
            outer.set_content(f"Text {depth}.")
            outer.add_attachment(mail)
            mail = outer
        found = parse(mail.as_bytes(), "nested.eml")
        assert [block.text for block in found.blocks if block.kind == "paragraph"] == [
            f"Text {7 - depth}." for depth in range(4)
        ]
        assert any("attachment of an attachment" in note for note in found.notes)

    def test_an_empty_mail(self) -> None:
        with pytest.raises(ParseError) as caught:
            parse(b"From: a@b.example\nDate: x\n\n\n", "a.eml")
        assert caught.value.code == "empty"


class TestOpenDocuments:
    SPACES = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
    )

    def make(self, kind: str, body: str) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
            archive.writestr(
                "content.xml",
                f"<office:document-content {self.SPACES}><office:body><office:{kind}>{body}</office:{kind}>"
                "</office:body></office:document-content>",
            )
        return out.getvalue()

    def test_text(self) -> None:
        body = (
            '<text:h text:outline-level="1">Returns</text:h><text:p>Send it <text:span>back</text:span>.</text:p>'
            "<text:list><text:list-item><text:p>Keep<text:s/>the label</text:p></text:list-item></text:list>"
        )
        assert told(parse(self.make("text", body), "returns.odt")) == [
            ("heading", "Returns"),
            ("paragraph", "Send it back."),
            ("list_item", "Keep the label"),
        ]

    def test_spreadsheet_with_repeats_that_never_end(self) -> None:
        def row(*cells: str) -> str:
            inner = "".join(f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells)
            endless = '<table:table-cell table:number-columns-repeated="999999999"/>'
            return f"<table:table-row>{inner}{endless}</table:table-row>"

        empty = '<table:table-row table:number-rows-repeated="1048576"><table:table-cell/></table:table-row>'
        body = f'<table:table table:name="Rates">{"".join(row(*cells) for cells in RATES)}{empty}</table:table>'
        found = parse(self.make("spreadsheet", body), "rates.ods", Limits())
        assert only_table(found).rows == tuple(map(tuple, RATES))


def test_damaged_office_files_are_refused_in_words() -> None:
    book = Workbook()
    book.active.append(["a", "b"])
    whole = workbook_bytes(book)
    slides = presentation_bytes(TestPresentations().make())
    for data, name in ((whole[: len(whole) // 2], "a.xlsx"), (slides[: len(slides) // 2], "a.pptx")):
        with pytest.raises(ParseError) as caught:
            parse(data, name)
        assert caught.value.code == "broken"
    assert openpyxl.load_workbook(io.BytesIO(whole)).active["B1"].value == "b"
