"""Rows from resolved conversations: what was said before as the prompt, a person's last reply as the answer.

Personal data is taken out by rules, which cannot be perfect: such rows wait until a person has let them in.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from chat.models import Conversation, Message, TuningRow
from chat.tuning.drafts import Draft, Knowledge
from chat.tuning.redaction import redacted
from knowledge import lexical

MOST, EXCHANGES_KEPT = 1000, 6
SHORTEST_REPLY = 15


def drafts_of(group_id: UUID, known: Knowledge) -> Iterator[Draft]:
    """The newest resolved conversations in which a person had the last word. Needs the bot's scope."""
    words = frozenset(
        word
        for text in (*(f"{faq.question} {faq.answer}" for faq in known.faqs), *(text for _, text in known.passages))
        for word in lexical.words(text)
    ) | frozenset(lexical.words(known.company))
    resolved = Conversation.objects.filter(group_id=group_id, resolved_at__isnull=False).select_related("customer")
    for conversation in resolved.order_by("-resolved_at")[:MOST]:
        said = Message.objects.filter(conversation_group_id=group_id, conversation_id=conversation.id)
        messages = list(said.filter(seq__gte=conversation.shown_from).order_by("seq"))
        customer = conversation.customer
        authors = {message.author for message in messages if message.author}
        persons = [*authors, *([customer.name, customer.email] if customer else [])]
        draft = _draft(messages, words, [person for person in persons if person])
        if draft:
            yield draft


def _draft(messages: Sequence[Message], words: frozenset[str], persons: Sequence[str]) -> Draft | None:
    """None where no person has answered a customer, or has hardly said anything."""
    last = max((i for i, message in enumerate(messages) if message.role == Message.Role.PERSON), default=0)
    asked = max((i for i in range(last) if messages[i].role == Message.Role.CUSTOMER), default=None)
    if asked is None or len(messages[last].text) < SHORTEST_REPLY:
        return None

    def clean(text: str) -> str:
        return redacted(text, words, persons)

    exchanges: list[list[str]] = []
    for message in messages[:asked]:
        if message.role == Message.Role.CUSTOMER:
            exchanges.append([clean(message.text), ""])
        elif exchanges:
            exchanges[-1][1] = f"{exchanges[-1][1]} {clean(message.text)}".strip()
    context = {"exchanges": exchanges[-EXCHANGES_KEPT:]} if exchanges else {}
    reply = " ".join(clean(m.text) for m in messages[asked + 1 : last + 1] if m.role == Message.Role.PERSON)
    source = f"conversation {str(messages[last].conversation_id)[:8]}"
    return Draft(
        TuningRow.Kind.CONVERSATION, clean(messages[asked].text), reply, source=source, excluded=True, context=context
    )
