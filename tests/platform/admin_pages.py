"""What the tests of the web admin share: a signed-in client, pages and forms, and one object of every kind."""

from typing import Any

from django.test import Client
from django.urls import reverse

from chat import handoff, store
from chat.models import Conversation, Interaction, Message
from knowledge.data_apis import save_action, save_data_api
from knowledge.documents import save_document
from knowledge.faqs import save_faq
from knowledge.models import Action, DataApi, Faq
from tenants.models import User
from tenants.scope import within
from tests.conftest import Business

SECRET = "a-secret-token-that-must-never-be-shown"


def client_of(business: Business, role: str = "owner") -> Client:
    client = Client()
    client.force_login(User.objects.get(id=business.members[role].user_id))
    return client


def furnish(business: Business, mark: str) -> dict[str, Any]:
    """One object of every kind, each with `mark` in its text."""
    with within(business.scope):
        faq = save_faq(
            Faq(group=business.bot, question=f"{mark} question?", answer=f"{mark} answer"), [f"{mark} phrasing"]
        )
        document = save_document(business.bot.id, filename="a.md", data=b"# A\n\nText.", title=f"{mark} document")
        api = DataApi(group=business.bot, name=f"{mark} api", base_url="https://api.example.com", auth_secret=SECRET)
        save_data_api(api)
        action = Action(
            group=business.bot,
            data_api=api,
            name="stock",
            title=f"{mark} action",
            path="/stock",
            answer="{{ response }}",
        )
        save_action(action)
        conversation, interaction = converse(business, f"{mark} said")
    return {
        "knowledge_faq": faq,
        "knowledge_document": document,
        "knowledge_dataapi": api,
        "knowledge_action": action,
        "chat_conversation": conversation,
        "chat_interaction": interaction,
        "tenants_bot": business.bot,
        "tenants_member": business.members["viewer"],
    }


def converse(business: Business, text: str) -> tuple[Conversation, Interaction]:
    """A question with the bot's answer and its explanation, waiting for a person. Needs the scope."""
    conversation, _ = store.open_conversation(business.bot)
    conversation = store.locked(business.bot.id, conversation.id)
    question = store.add_message(conversation, Message.Role.CUSTOMER, text)
    answer = store.add_message(conversation, Message.Role.BOT, "I do not know that.")
    interaction = Interaction.objects.create(
        group=business.bot,
        conversation_group=business.bot,
        conversation=conversation,
        question=text,
        question_id=question.id,
        answer_id=answer.id,
        answer=answer.text,
        route="unknown",
        confidence=0.31,
        reason="Nothing near enough was found.",
        retrieved=[
            {
                "title": "Opening hours",
                "text": "We open at nine.",
                "score": 0.4321,
                "heading_path": ["Shops"],
                "page": 3,
            }
        ],
        steps={"embed": 1.5, "search": 2.5},
        versions={"index": 12},
    )
    handoff.ask_for_person(business.bot.id, conversation.id)
    return conversation, interaction


def page(client: Client, name: str, *args: Any) -> str:
    response = client.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == 200, (name, response.status_code)
    return response.content.decode()


def faq_form(business: Business, **changes: Any) -> dict[str, Any]:
    return {
        "group": business.bot.id,
        "question": "When are you open?",
        "answer": "From nine to five.",
        "alternates": "opening hours?\r\nare you open now",
        "language": "en",
        "enabled": "on",
    } | changes
