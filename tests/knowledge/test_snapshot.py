"""What the router is given of a bot: its texts, each with its own vector, also right after a large import."""

import time
import uuid

import numpy as np

from knowledge import snapshot, vectors
from knowledge.embedding import NO_TOKENS, Encoded
from knowledge.faqs import save_faq
from knowledge.models import Faq, Phrasing
from knowledge.text_hash import text_hash
from tenants.models import Bot
from tenants.scope import within
from tests.conftest import Business

SPACE = "made-up-8"
MANY, LONGEST_S = 2_500, 4.0


def vector_of(text: str) -> np.ndarray:
    made = np.random.default_rng(int(text_hash(text)[:8], 16)).normal(size=8).astype(np.float32)
    return made / np.linalg.norm(made)


def fill(business: Business, texts: list[str]) -> uuid.UUID:
    """An FAQ with these phrasings, embedded in a space of its own. Needs the scope."""
    faq = save_faq(Faq(group=business.bot, question=texts[0], answer="Yes."), [])
    Phrasing.objects.bulk_create(Phrasing(group=business.bot, faq=faq, text=text) for text in texts[1:])
    vectors.store(business.bot.id, SPACE, {text_hash(text): Encoded(vector_of(text), NO_TOKENS) for text in texts})
    return faq.id


def test_each_text_has_its_own_vector_and_nothing_is_anothers(meridian: Business, harbor: Business) -> None:
    for business, texts in ((meridian, ["lost card", "stolen card"]), (harbor, ["lost card", "torn jacket"])):
        with within(business.scope):
            fill(business, texts)
            Phrasing.objects.create(group=business.bot, faq=Faq.objects.get(), text="not embedded yet")
    for business, texts in ((meridian, ["lost card", "stolen card"]), (harbor, ["lost card", "torn jacket"])):
        with within(business.scope):
            read = snapshot.of(Bot.objects.get(id=business.bot.id), SPACE)
        assert sorted(read.faq_texts.texts) == texts
        for text, vector in zip(read.faq_texts.texts, read.faq_texts.vectors, strict=True):
            assert np.allclose(vector, vector_of(text), atol=1e-6)


def test_what_has_just_been_imported_is_read_at_once(meridian: Business) -> None:
    """The planner knows nothing of the new rows before they are analysed, a minute later at the soonest."""
    with within(meridian.scope):
        fill(meridian, [f"phrasing {number}" for number in range(MANY)])
        began = time.monotonic()
        read = snapshot.of(Bot.objects.get(id=meridian.bot.id), SPACE)
        assert time.monotonic() - began < LONGEST_S
    assert len(read.faq_texts.texts) == MANY
