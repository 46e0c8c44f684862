"""The router against small bots: which line it chooses, and that it refuses what the bot was never told."""

import logging
import uuid
from dataclasses import replace

import numpy as np
import pytest

from chat.exchange import Decision, Question
from chat.router import choose, corrected, prepare, vocabulary
from chat.router.follow_up import readings
from knowledge import lexical
from knowledge.embedding import Embedder, ModelChoice, endpoint_embedder, get_embedder
from knowledge.embedding.catalogue import Endpoint
from knowledge.embedding.endpoint_embedder import EndpointEmbedder
from knowledge.embedding.late_interaction import pack
from knowledge.search import Passage
from knowledge.snapshot import ActionEntry, FaqEntry, Snapshot, Texts, reading

FAQS = {
    "How do I connect Slack?": (
        "Open Settings, choose Integrations, press Slack and allow access to your workspace.",
        ["slack integration", "Can I get my notifications in Slack?", "link my slack workspace"],
    ),
    "How do I cancel my subscription?": (
        "Open Billing and press Cancel plan. You keep access until the end of the period that you have paid for.",
        ["stop my plan", "I want to end my membership", "please terminate my account contract"],
    ),
    "How do I get an invoice?": (
        "Every invoice is listed under Billing, where you can download it as a PDF.",
        ["download a receipt", "where are my bills", "I need an invoice for my accountant"],
    ),
    "How do I reset my password?": (
        "Press Forgot password on the sign-in page and follow the link that we send by email.",
        ["forgot my password", "I can't log in any more", "change password"],
    ),
    "Is there a discount for students?": (
        "Yes, students and teachers pay half. Send us a photo of your student card.",
        ["student price", "cheaper plan for university", "education discount"],
    ),
}
ACTION = ("Current usage", "How much of your storage you have used", ["How much storage have I used?", "my usage"])
PAGE = (
    "Export of data. All projects can be exported as CSV or JSON. The export contains tasks, comments and attachments "
    "and is kept for seven days; an administrator starts it from the workspace menu."
)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return get_embedder()


@pytest.fixture(scope="module")
def bot(embedder: Embedder) -> Snapshot:
    return make_bot(embedder, FAQS, "Plans, billing and settings of a project planner.", with_action=True)


def make_bot(
    embedder: Embedder, faqs: dict[str, tuple[str, list[str]]], description: str, *, with_action: bool = False
) -> Snapshot:
    group = uuid.uuid4()
    entries = tuple(FaqEntry(uuid.uuid4(), group, "", q, answer, "", 1) for q, (answer, _) in faqs.items())
    pairs = [(text, number) for number, (q, (_, more)) in enumerate(faqs.items()) for text in (q, *more)]
    title, explanation, examples = ACTION
    told = [reading(question, answer) for question, (answer, _) in faqs.items()] + [reading(title, explanation)]
    actions = (ActionEntry(uuid.uuid4(), group, "usage", title, explanation, True),) if with_action else ()
    return Snapshot(
        group_id=group,
        key="planner",
        name="Planner",
        description=description,
        version=1,
        space=embedder.space.key,
        faqs=entries,
        faq_texts=texts(embedder, pairs),
        actions=actions,
        action_texts=texts(embedder, [(text, 0) for text in (title, *examples)] if with_action else []),
        vocabulary=dict.fromkeys(lexical.terms(PAGE), 1),
        chunks=1,
        tokens=token_vectors(embedder, [*(text for text, _ in pairs), *told, title, *examples]),
    )


def token_vectors(embedder: Embedder, texts: list[str]) -> dict[str, bytes]:
    return {text: pack(each.tokens) for text, each in zip(texts, embedder.encode_passages(texts), strict=True)}


def texts(embedder: Embedder, pairs: list[tuple[str, int]]) -> Texts:
    found = [text for text, _ in pairs]
    vectors = embedder.embed_queries(found) if found else np.zeros((0, 0), np.float32)
    return Texts(tuple(found), np.array([owner for _, owner in pairs], np.int64), vectors)


def passage(bot: Snapshot, text: str, cosine: float, lexical_score: float) -> Passage:
    return Passage(
        bot.group_id, uuid.uuid4(), uuid.uuid4(), "", "Export guide", "", None, 1, None, ("Export",), "text", text,
        cosine + 0.12 * lexical_score, cosine, lexical_score,
    )  # fmt: skip


def ask(embedder: Embedder, bots: list[Snapshot], text: str, passages: list[Passage] | None = None) -> Decision:
    question = Question(text, text, embedder.embed_queries([text])[0])
    return choose(question, bots, passages or [], embedder, {})


def test_an_endpoint_that_is_away_at_the_start_is_told_of_and_no_more(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_embedder, "FIRST_PAUSE_S", 0.01)
    away = EndpointEmbedder(ModelChoice("away", "http://127.0.0.1:9/v1"), Endpoint(timeout_s=1, batch=64), 8)
    with caplog.at_level(logging.WARNING):
        prepare([away])
    assert "with the first question" in caplog.text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("I would like to cancel my plan", "How do I cancel my subscription?"),
        ("where can I download my invoices", "How do I get an invoice?"),
        ("do students pay less?", "Is there a discount for students?"),
        ("i have forgotten my pasword", "How do I reset my password?"),
        ("how can I connect my Slack workspace?", "How do I connect Slack?"),
    ],
)
def test_a_paraphrase_finds_its_prepared_answer(embedder: Embedder, bot: Snapshot, text: str, title: str) -> None:
    decision = ask(embedder, [bot], text)
    assert (decision.route, decision.faq and decision.faq.question) == ("faq", title)
    assert 0.5 <= decision.confidence <= 1
    assert title in decision.reason


@pytest.mark.parametrize(
    "text",
    [
        "Do you integrate with Teams?",
        "do you offer crypto?",
        "can I buy gift cards",
        "Do you have an office in Berlin?",
        "who won the world cup?",
        "qwertz asdf",
    ],
)
def test_what_the_bot_was_never_told_is_unknown(embedder: Embedder, bot: Snapshot, text: str) -> None:
    decision = ask(embedder, [bot], text)
    assert decision.route == "unknown"
    assert decision.faq is None
    assert len(decision.nearest) <= 3


MORE_FAQS = {
    "Can I share a project with a client?": (
        "Yes. Invite them as a guest; guests see one project and pay nothing.",
        ["invite a guest", "let my customer look at the board"],
    ),
    "How long are deleted tasks kept?": (
        "Thirty days, in the bin; after that they are gone for good.",
        ["restore a task", "I deleted something by mistake"],
    ),
    "In which languages is the app?": (
        "English, German and Portuguese; choose one under Profile.",
        ["change language", "is there a Portuguese version"],
    ),
}


@pytest.fixture(scope="module")
def bot_of_faqs_alone(embedder: Embedder) -> Snapshot:
    """With few phrasings, and no document that could answer instead."""
    made = make_bot(embedder, FAQS | MORE_FAQS, "Plans, billing and settings of a project planner.")
    return replace(made, chunks=0, vocabulary={})


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("my boss needs proof that we paid", "How do I get an invoice?"),
        ("we do not need this any more, how do we leave", "How do I cancel my subscription?"),
        ("I threw the wrong list away, can I get it back", "How long are deleted tasks kept?"),
        ("locked out since this morning", "How do I reset my password?"),
    ],
)
def test_few_phrasings_are_enough_for_words_of_ones_own(
    embedder: Embedder, bot_of_faqs_alone: Snapshot, text: str, title: str
) -> None:
    decision = ask(embedder, [bot_of_faqs_alone], text)
    assert (decision.route, decision.faq and decision.faq.question) == ("faq", title)


@pytest.mark.parametrize(
    "text",
    ["Do you integrate with Teams?", "do you offer crypto?", "can I buy gift cards", "do you have an app for my watch"],
)
def test_few_phrasings_are_not_taken_for_more_than_they_say(
    embedder: Embedder, bot_of_faqs_alone: Snapshot, text: str
) -> None:
    assert ask(embedder, [bot_of_faqs_alone], text).route == "unknown"


def test_without_knowledge_nothing_is_known(embedder: Embedder) -> None:
    empty = make_bot(embedder, {}, "")
    assert ask(embedder, [empty], "How do I cancel?").reason == "This bot has no knowledge to answer from."


def test_the_only_prepared_answer_is_not_the_answer_to_everything(embedder: Embedder) -> None:
    question = "How do I connect Slack?"
    single = make_bot(embedder, {question: FAQS[question]}, "")
    assert ask(embedder, [single], "connect to slack").route == "faq"
    assert ask(embedder, [single], "do you deliver pizza").route == "unknown"


def test_live_data_goes_to_the_action(embedder: Embedder, bot: Snapshot) -> None:
    decision = ask(embedder, [bot], "how much storage did I use?")
    assert decision.route == "dynamic"
    assert decision.action is not None
    assert decision.action.name == "usage"


def test_a_passage_answers_what_no_faq_does(embedder: Embedder, bot: Snapshot) -> None:
    found = [passage(bot, PAGE, 0.66, 2.4), *(passage(bot, "Colours of labels.", 0.1, 0.0) for _ in range(5))]
    decision = ask(embedder, [bot], "Which formats can projects be exported in, CSV or JSON?", found)
    assert decision.route == "document"
    assert decision.passages[0].text == PAGE
    assert "Export guide" in decision.reason


def test_a_distant_passage_is_no_answer(embedder: Embedder, bot: Snapshot) -> None:
    found = [passage(bot, PAGE, 0.12, 0.0), *(passage(bot, "Colours of labels.", 0.1, 0.0) for _ in range(5))]
    assert ask(embedder, [bot], "do you sell fishing rods?", found).route == "unknown"


def test_a_vetted_answer_wins_over_a_passage_as_good(embedder: Embedder, bot: Snapshot) -> None:
    text = "How do I reset my password?"
    found = [passage(bot, "To reset the password press Forgot password.", 0.75, 2.0), passage(bot, PAGE, 0.1, 0.0)]
    assert ask(embedder, [bot], text, found).route == "faq"


@pytest.mark.parametrize(
    "text",
    [
        "I want to speak to a human",
        "useless bot, get me someone",
        "can i talk to a real person pls",
        "put me through to an agent",
        "how to sepak with an agnet",
        "help me atlk with en agent",
        "want help taalking ot someboy",
        "i need to chat with someone from your team",
        "you are not helpful, I want help from an operator",
    ],
)
def test_whoever_asks_for_a_person_gets_one(embedder: Embedder, bot: Snapshot, text: str) -> None:
    assert ask(embedder, [bot], text).route == "human"


@pytest.mark.parametrize(
    "text",
    [
        "what's your customer service phone number?",
        "when is customer support open?",
        "can someone else use my account?",
        "are you a human?",
        "How do I cancel my subscription?",
        "do I need to talk to someone to cancel?",
        "can somebody look at my broken printer?",
        "I need assistanec with my invoice",
        "wheres my stuff",
    ],
)
def test_a_question_about_people_is_not_a_wish_for_one(embedder: Embedder, bot: Snapshot, text: str) -> None:
    assert ask(embedder, [bot], text).route != "human"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", "greeting"),
        ("Good morning!", "greeting"),
        ("thanks a lot", "thanks"),
        ("great, thank you, bye", "goodbye"),
        ("hello, how do I cancel my subscription?", None),
        ("is it good?", None),
    ],
)
def test_small_talk_is_told_from_questions(embedder: Embedder, bot: Snapshot, text: str, kind: str | None) -> None:
    decision = ask(embedder, [bot], text)
    assert decision.small_talk == kind
    assert kind is None or (decision.route == "faq" and decision.faq is None)


def test_two_questions_are_both_decided_the_riskier_first(embedder: Embedder, bot: Snapshot) -> None:
    decision = ask(embedder, [bot], "How do I get an invoice and how much storage have I used?")
    assert decision.route == "dynamic"
    assert decision.also is not None
    assert decision.also.faq is not None
    assert decision.also.faq.question == "How do I get an invoice?"


def test_one_question_with_a_conjunction_stays_one(embedder: Embedder, bot: Snapshot) -> None:
    assert ask(embedder, [bot], "Is there a discount for students and teachers?").also is None


def test_a_front_finds_the_business_line(embedder: Embedder, bot: Snapshot) -> None:
    other = make_bot(
        embedder,
        {
            "Where can I park my car?": ("Behind the hall there are ninety parking spaces.", ["parking", "car park"]),
            "When does the museum open?": ("From ten to six every day but Monday.", ["opening hours", "open today?"]),
        },
        "A museum: visits, tickets and parking.",
    )
    assert ask(embedder, [bot, other], "is there parking for my car").group_id == other.group_id
    assert ask(embedder, [bot, other], "I forgot my password").group_id == bot.group_id


def test_a_new_phrasing_counts_with_the_next_version(embedder: Embedder, bot: Snapshot) -> None:
    assert ask(embedder, [bot], "Is my cat allowed on the sofa?").route == "unknown"
    question = "How do I get an invoice?"
    answer, phrasings = FAQS[question]
    taught = make_bot(embedder, FAQS | {question: (answer, [*phrasings, "Is my cat allowed on the sofa?"])}, "")
    newer = replace(taught, group_id=bot.group_id, version=bot.version + 1)
    decision = ask(embedder, [newer], "Is my cat allowed on the sofa?")
    assert decision.faq is not None
    assert decision.faq.question == question


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("how do I get an invoise", "how do I get an invoice"),
        ("cancel my subscripton", "cancel my subscription"),
        ("Do you integrate with Teams?", "Do you integrate with Teams?"),
        ("can I pay with Slick", "can I pay with Slick"),
        ("studnet discuont", "student discount"),
    ],
)
def test_only_slips_are_corrected(embedder: Embedder, bot: Snapshot, written: str, meant: str) -> None:
    assert corrected(written, [bot], embedder) == meant


@pytest.mark.parametrize(
    ("text", "before", "meaning"),
    [
        ("and for students?", "Is there a discount for teachers?", "Is there a discount for students?"),
        ("what about abroad?", "Can I use my account in the office?", "Can I use my account abroad?"),
        ("how long does that take?", "How do I cancel my plan?", "How long does that take? (How do I cancel my plan)"),
        ("and for the free one?", "What is in the paid plan?", "What is in the free plan?"),
        ("How do I reset my password?", "How do I cancel my plan?", "How do I reset my password?"),
        ("Is there a student discount?", "How do I cancel my plan?", "Is there a student discount?"),
        ("and to Norway?", "How much is postage within Iceland today?", "How much is postage to Norway today?"),
        ("what if I am late?", "Can I return my hired car?", "Can I return my hired car if I am late?"),
        ("thanks", "How do I cancel my plan?", "thanks"),
    ],
)
def test_a_short_question_is_understood_by_the_one_before(
    embedder: Embedder, bot: Snapshot, text: str, before: str, meaning: str
) -> None:
    known = vocabulary([bot], embedder)
    assert readings(text, [(before, "")], known)[0] == meaning
    assert readings(text, [], known) == [text]


@pytest.mark.parametrize("text", ["", "?", "\ud800", "a" * 30_000, "🙂🙂", "' OR 1=1 --"])
def test_odd_messages_get_a_decision(embedder: Embedder, bot: Snapshot, text: str) -> None:
    assert ask(embedder, [bot], text).route in {"unknown", "faq"}
