"""What an adapter learns: made from a bot's own FAQs, apart from what is held out, and without personal data."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chat import store
from chat.models import Message, TuningRow
from chat.pipelines import prompts
from chat.tuning import conversations, row_files, rows, settings
from chat.tuning.redaction import redacted
from knowledge.faqs import save_faq
from knowledge.imports import UnreadableFile
from knowledge.models import Faq
from tenants.scope import within
from tests.conftest import Business

PII = Path(os.environ.get("TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "pii" / "generated_small.json"
ANSWER = "You can return a tent within 60 days. The refund arrives within a week."
PHRASINGS = [f"{opening} send back a tent{end}" for opening in ("can I", "may we", "how do I", "I want to", "where to")
             for end in ("", " please", " after a month", " without the bag")]  # fmt: skip


@pytest.fixture
def shop(harbor: Business) -> Business:
    with within(harbor.scope):
        save_faq(
            Faq(group=harbor.bot, external_id="tents", question="How do I return a tent?", answer=ANSWER), PHRASINGS
        )
        save_faq(
            Faq(group=harbor.bot, external_id="hours", question="When are you open?", answer="From nine to five."), []
        )
    return harbor


def made(business: Business) -> list[TuningRow]:
    with within(business.scope):
        rows.remake(business.bot, 1, ["Peak & Sons"])
        return list(TuningRow.objects.all())


def test_rows_come_of_the_bots_own_faqs_and_what_is_held_out_is_in_no_other(shop: Business, meridian: Business) -> None:
    found = made(shop)
    assert {row.kind for row in found} == {"faq", "rephrased", "combined", "passage", "absent", "competitor"}
    asked = {row.prompt: row for row in found if row.kind == "faq"}
    assert set(asked) == {"How do I return a tent?", "When are you open?", *PHRASINGS}
    held_out = {text for text, row in asked.items() if row.split == "held_out"}
    assert held_out
    assert held_out < set(PHRASINGS)
    for row in found:
        if row.split == "train" and not row.context:
            assert row.prompt not in held_out
            assert row.source != "tents" or row.completion == ANSWER
    rivals = [row for row in found if row.kind == "competitor"]
    assert any("Peak & Sons" in row.prompt for row in rivals)
    assert {row.label for row in rivals} == {"unanswerable"}
    with within(meridian.scope):
        assert not TuningRow.objects.exists()


def test_it_learns_in_the_words_in_which_it_will_be_asked(shop: Business) -> None:
    found = made(shop)
    company = shop.bot.name
    row = next(row for row in found if row.kind == "faq" and row.source == "tents")
    example = rows.example(row, company)
    asked = prompts.from_memory("", company, row.prompt)
    assert example.prompt == (("system", asked.system), *asked.turns)
    assert asked.system == f"You are a helpful chatbot for customers of {company}."
    assert asked.turns == (("user", f"In {company}, {row.prompt}"),)
    assert example.completion == f"In {company}, {ANSWER}"
    assert prompts.without_company(company, example.completion) == ANSWER
    given = next(row for row in found if row.kind == "passage" and row.source == "tents" and row.completion)
    example = rows.example(given, company)
    assert ANSWER in example.prompt[1][1]
    number = 1 + [each["text"] for each in given.context["sources"]].index(ANSWER)
    assert (
        example.completion
        == f"You can return a tent within 60 days. [{number}] The refund arrives within a week. [{number}]"
    )
    refused = next(row for row in found if row.kind == "absent")
    assert rows.example(refused, company).completion == "[no answer]"


def test_a_quarter_of_what_is_learnt_has_no_answer(shop: Business) -> None:
    learnt = rows.to_train((row for row in made(shop) if row.split == "train"), seed=3)
    share = sum(rows.wanted_answer(row) == prompts.REFUSAL for row in learnt) / len(learnt)
    assert 0.23 < share < 0.27


def test_what_a_person_decides_outlasts_the_next_making_and_answers_follow_the_faq(shop: Business) -> None:
    made(shop)
    with within(shop.scope):
        mine = TuningRow.objects.get(kind="faq", prompt="When are you open?")
        TuningRow.objects.filter(id=mine.id).update(excluded=True, label="unanswerable", reviewed=True)
        faq = Faq.objects.get(external_id="tents")
        faq.answer = "Not at all."
        save_faq(faq, PHRASINGS[:-1])
    found = {row.prompt: row for row in made(shop) if row.kind == "faq"}
    assert (found["When are you open?"].excluded, found["When are you open?"].label) == (True, "unanswerable")
    assert found["How do I return a tent?"].completion == "Not at all."
    assert PHRASINGS[-1] not in found


def test_a_file_is_checked_row_by_row() -> None:
    text = (
        "prompt,completion,label\n"
        'Do you rent boats?,"In Harbor, Yes, by the hour.",\n'
        ",Nobody asked.,\n"
        "Who are you?,,\n"
        "Do you sell cars?,,unanswerable\n"
        "Do you fly?,[no answer],\n"
        "Do you rent boats?,No.,\n"
        "What?,So.,perhaps\n"
    )
    report = row_files.read(text.encode(), "more.csv", "Harbor", TuningRow.Kind.FILE)
    assert [(each.prompt, each.completion, str(each.label)) for each in report.drafts] == [
        ("Do you rent boats?", "Yes, by the hour.", "answerable"),
        ("Do you sell cars?", "", "unanswerable"),
        ("Do you fly?", "", "unanswerable"),
    ]
    assert [(each.row, each.field) for each in report.errors] == [
        (3, "prompt"), (4, "completion"), (7, "prompt"), (8, "label"),
    ]  # fmt: skip
    assert report.drafts[0].source == "more.csv, line 2"
    with pytest.raises(UnreadableFile, match="question and answer"):
        row_files.read(b"a,b\n1,2\n", "wrong.csv", "Harbor", TuningRow.Kind.FILE)


@pytest.mark.parametrize(
    ("given", "name"),
    [({"rank": 0}, "rank"), ({"epochs": "many"}, "epochs"), ({"projections": "q_proj,head"}, "projections"),
     ({"rank": 1.5}, "rank"), ({"speed": 9}, "speed"), ({"learning_rate": float("nan")}, "learning_rate")],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_named(given: dict[str, Any], name: str) -> None:
    with pytest.raises(settings.BadSettings, match=name):
        settings.read(given)


def test_a_resolved_conversation_waits_without_personal_data_for_a_person(shop: Business) -> None:
    with within(shop.scope):
        conversation, _ = store.open_conversation(shop.bot)
        said = [
            ("customer", "Hello, this is Jane Rowbotham, jane@rowbotham.example, 12 Mill Lane, LS1 4AB."),
            ("bot", "How can I help?"),
            ("customer", "My order HO-100345 never came, call me on 07700 900123."),
            ("person", "Sorry about that, Jane. We send a new tent today and you keep the old one."),
        ]
        for role, text in said:
            locked = store.locked(shop.bot.id, conversation.id)
            store.add_message(locked, Message.Role(role), text, author="Sam" if role == "person" else "")
        locked.resolved_at = locked.updated_at
        locked.save(update_fields=["resolved_at"])
        (draft,) = conversations.drafts_of(shop.bot.id, rows.knowledge_of(shop.bot))
    assert draft.excluded
    everything = " ".join(
        [draft.prompt, draft.completion, *(text for pair in draft.context["exchanges"] for text in pair)]
    )
    for secret in ("Jane", "Rowbotham", "rowbotham", "Mill", "LS1", "100345", "900123"):
        assert secret not in everything, secret
    assert "We send a new tent today and you keep the old one." in draft.completion
    assert "never came" in draft.prompt


def test_labelled_personal_data_is_taken_out() -> None:
    if not PII.exists():
        pytest.skip("the shared data are not here")
    found = total = 0
    for each in json.loads(PII.read_text()):
        left = redacted(each["full_text"]).casefold()
        for span in each["spans"]:
            if span["entity_type"] != "TITLE" and span["entity_value"] != "nan":
                total += 1
                found += span["entity_value"].casefold() not in left
    print(f"personal data: {found} of {total} taken out")
    assert found >= 0.9 * total
