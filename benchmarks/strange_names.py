"""Questions to practice bots with their most telling word replaced by something that the bot has never heard of."""

from dataclasses import replace

import numpy as np

from benchmarks.practice_bots import Practice
from knowledge import lexical
from knowledge.embedding import Embedder

NAMES = """Garmin Teams Shopify Dropbox Klarna Mongolia Berlin PlayStation Netflix Trello Bluetooth Alipay Zelle Monero
Brazil Lisbon Jira Salesforce Samsung Fitbit Venmo Dogecoin Ethereum Hawaii Tokyo Zoom Discord Airbnb Ferrari Tesla
Ryanair Uber Kindle Spotify iCloud Android Linux Telegram Signal Patagonia Rolex Nintendo Oracle Xero"""
THINGS = """tents kayaks surfboards sunglasses laptops cryptocurrency gold bonds annuities helicopters wheelchairs
carpets rods pianos flowers vaccinations podcasts newsletters pets tattoos candles telescopes drones cruises taxidermy
goldfish sandwiches fireworks snowboards dentistry accordions perfume"""
SHARE = 0.25
CARRIER = (
    "do you support {}?", "do you offer {}?", "can I use {} with you", "do you work with {}", "is {} available?",
    "do you have {}", "can i get {} from you", "Do you accept {}?", "do you sell {}?", "how do I connect {}?",
)  # fmt: skip


def with_strange_names(practice: Practice, embedder: Embedder, rng: np.random.Generator) -> Practice:
    """The practice bot with more questions that it must not answer."""
    known = {term for text in practice.snapshot.faq_texts.texts for term in lexical.terms(text)}
    known |= {term for faq in practice.snapshot.faqs for term in lexical.terms(faq.answer)}
    strange = [word for word in f"{NAMES} {THINGS}".split() if not known.intersection(lexical.terms(word))]
    count = int(len(practice.questions) * SHARE)
    texts = [str(rng.choice(CARRIER)).format(rng.choice(strange)) for _ in range(count // 2)]
    present = [text for text, _, intent in practice.questions if intent]
    for number in rng.permutation(len(present))[: count - len(texts)].tolist():
        texts.append(replaced(present[number], known, str(rng.choice(strange))))
    vectors = embedder.embed_queries(texts)
    more = tuple((text, vector, "") for text, vector in zip(texts, vectors, strict=True))
    return replace(practice, questions=practice.questions + more)


def replaced(text: str, known: set[str], name: str) -> str:
    """The longest known word that carries meaning gives way to the name."""
    telling = [word for word in lexical.words(text) if known.intersection(lexical.terms(word))]
    if not telling:
        return f"do you have {name}?"
    place = text.lower().find(max(telling, key=len))
    return text[:place] + name + text[place + len(max(telling, key=len)) :]
