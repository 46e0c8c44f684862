"""The dynamic line without an LLM: asks for what is missing, calls the business's API, answers by its template; what
changes something is proposed, and carried out once the customer has said yes."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from chat import call_opinion, confirming, cues, remembering, settling
from chat.context import TurnContext
from chat.customer_token import token_of
from chat.elicitation import Ask, Cancelled, ChangedSubject, Elicitation, GiveUp, NeedsSignIn, Said
from chat.exchange import Answer, Asker, Choices, Citation, Decision, Question
from chat.pipelines.unknown import OFFERED_PERSON
from chat.value_finding import find_values
from chat.verifier import Refused
from knowledge import actions, rendering
from knowledge.actions import ActionResult, ActionSpec
from knowledge.snapshot import ActionEntry
from knowledge.values import known_value, masked
from tenants.database import in_database

logger = logging.getLogger(__name__)

SURE, SURE_OF_DOCUMENTS = 0.6, 0.98
RESUMED = 0.95
PERSON = "I can pass you on to a person if you like."
OFFERS = {
    "not_found": "Tell me if you meant another one.",
    "invalid": "Tell me what to change.",
    "unreachable": "Please try again in a moment.",
    "timeout": "Please try again in a moment.",
    "failed": "Please try again in a moment.",
    "busy": "Please try again in a moment.",
}


class RoutedQuestion(Protocol):
    """A question with the line that it would be put through to."""

    @property
    def question(self) -> Question: ...
    @property
    def decision(self) -> Decision: ...


async def answer(context: TurnContext, question: Question, decision: Decision) -> Answer:
    """Begin the action that the router chose."""
    assert decision.action is not None  # the router gives one with this route
    said = Said(question.text, question.choice, question.understood)
    earlier = {key: context.dialogue[key] for key in ("last", remembering.KEY) if key in context.dialogue}
    begun = await converse(context.asker, decision.action, said, earlier, lambda text: False, decision.confidence)
    assert not isinstance(begun, ChangedSubject)
    return remembering.kept(context.dialogue, begun)


async def resume(context: TurnContext, routed: RoutedQuestion) -> Answer | None:
    """The answer of the action that is open in this conversation; None if there is none or the customer moved on.

    After None, context.dialogue still holds the open questions: keep it, and they can be answered later.
    """
    entry = open_action(context)
    question, decision = routed.question, routed.decision
    if question.choice is None and (settled := await settling.in_words(context, question.text)):
        return settled
    if entry is None or (decision.route == "human" and question.choice is None):
        return None
    said = Said(question.text, question.choice)
    is_new = partial(_is_other_question, decision, entry)
    if "action" not in context.dialogue and not await _follows_up(context, entry, said, is_new):
        return None
    resumed = await converse(context.asker, entry, said, context.dialogue, is_new, RESUMED)
    return None if isinstance(resumed, ChangedSubject) else remembering.kept(context.dialogue, resumed)


def open_action(context: TurnContext) -> ActionEntry | None:
    """The action that waits for the customer's reply, or else the one that answered last."""
    dialogue = context.dialogue
    wanted = dialogue.get("id") or (dialogue.get("last") or {}).get("id")
    entries = (entry for snapshot in context.snapshots for entry in snapshot.actions)
    return next((entry for entry in entries if str(entry.id) == wanted), None)


async def converse(
    asker: Asker,
    entry: ActionEntry,
    said: Said,
    dialogue: Mapping[str, Any],
    looks_like_new_question: Callable[[str], bool],
    confidence: float,
) -> Answer | ChangedSubject:
    """One step of an action's dialogue: a question back, a request to sign in, or the result of the call."""
    spec = await _load(asker, entry)
    if spec is None:
        return Answer(f"I cannot look that up just now. {PERSON}", "dynamic", confidence)
    remembered = remembering.remembered(dialogue)
    fallbacks = {each.name: known_value(each.fallback, asker.customer, remembered) for each in spec.parameters}
    known = {name: value for name, value in fallbacks.items() if value is not None}
    today = datetime.now(UTC).date()
    steps = Elicitation(entry.name, spec.parameters, today, looks_like_new_question, spec.needs_customer, known)
    outcome = steps.advance(_own(dialogue, entry), said, asker.customer)
    match outcome:
        case ChangedSubject():
            return outcome
        case Ask():
            return _asking(outcome, entry, confidence)
        case NeedsSignIn(state):
            text = "I can look that up as soon as I know who you are. Please sign in, and I will go on from here."
            kept = {**state, "id": str(entry.id)}
            return Answer(text, "dynamic", confidence, sign_in={"methods": ["identity"]}, dialogue=kept)
        case Cancelled():
            return Answer("All right, I have stopped there. What else can I do for you?", "dynamic", confidence)
        case GiveUp():
            text = "I am sorry, I could not work that out. I am passing you on to a person, who will answer right here."
            return Answer(text, "dynamic", confidence, handoff=True)
    try:
        await call_opinion.check_call(spec, outcome.arguments)
    except Refused as refusal:
        return _refusing(spec, refusal, confidence)
    if spec.writes:
        return await confirming.propose(asker, spec, outcome.arguments, remembered, confidence)
    return await _called(asker, spec, outcome.arguments, dialogue, confidence)


def _refusing(spec: ActionSpec, refusal: Refused, confidence: float) -> Answer:
    """What the verifier will not have done is for a person to decide."""
    logger.warning("action %s of %s was not begun: %s", spec.name, spec.group_id, refusal)
    call = {"action": spec.name, "title": spec.title, "outcome": "refused", "reason": str(refusal)}
    text = f"I am not sure that I may do that, so I have not done it. {PERSON}"
    return Answer(text, "dynamic", confidence, choices=OFFERED_PERSON, calls=(call,))


async def look_up(asker: Asker, spec: ActionSpec, arguments: dict[str, Any]) -> Answer:
    """What the API says, in the words of the action's template; without a citation where it could not be asked."""
    return await _called(asker, spec, arguments, {}, SURE)


async def _called(
    asker: Asker, spec: ActionSpec, arguments: dict[str, Any], dialogue: Mapping[str, Any], confidence: float
) -> Answer:
    token = token_of(asker.group_id, asker.conversation_id, asker.scope)
    remembered = remembering.remembered(dialogue)
    result = await actions.run(spec, arguments, asker.customer, token=token, remembered=remembered)
    subject = asker.customer.subject if asker.customer else ""
    await in_database(
        actions.record_call,
        spec,
        result,
        conversation_id=asker.conversation_id,
        customer_subject=subject,
        scope=asker.scope,
    )
    text, citations = _said(spec, result)
    kept = {"last": {"action": spec.name, "id": str(spec.id), "arguments": arguments}}
    kept |= remembering.with_result(dialogue, spec.name, result.values)
    return Answer(text, "dynamic", confidence, citations, calls=(_as_call(spec, result),), dialogue=kept)


def _said(spec: ActionSpec, result: ActionResult) -> tuple[str, tuple[Citation, ...]]:
    """The sentence for the customer, cited if it is what the API said."""
    if not result.ok:
        offer = OFFERS.get(result.error_code, "")
        return " ".join(part for part in (result.message, offer, PERSON) if part), ()
    try:
        text = rendering.render(
            spec.answer, response=result.data, arguments=result.arguments, results=dict(result.values)
        )
    except rendering.RenderError as problem:
        logger.warning("answer template of %s in %s: %s", spec.name, spec.group_id, problem)
        return f"I have the live data, but I cannot put it into words. {PERSON}", ()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return text, (Citation("action", str(spec.id), spec.name, spec.title, "", text, date=now),)


def _asking(outcome: Ask, entry: ActionEntry, confidence: float) -> Answer:
    options = tuple((option.value, option.label) for option in outcome.choices)
    text = f"{outcome.problem} {outcome.prompt}".strip()
    choices = Choices(outcome.field, outcome.prompt, options)
    kept = {**outcome.state, "id": str(entry.id)}
    return Answer(text, "dynamic", confidence, choices=choices, dialogue=kept)


async def _load(asker: Asker, entry: ActionEntry) -> ActionSpec | None:
    try:
        return await in_database(actions.load_action, entry.group_id, entry.id, scope=asker.scope)
    except ObjectDoesNotExist:
        return None
    except ValidationError as problem:
        logger.warning("action %s of %s is not valid: %s", entry.name, entry.group_id, problem.messages)
        return None


async def _follows_up(context: TurnContext, entry: ActionEntry, said: Said, is_new: Callable[[str], bool]) -> bool:
    """Whether the customer asks the last action again with something changed ("and in size L?")."""
    if said.choice is None:
        if is_new(said.text) or not cues.is_follow_up(said.text):
            return False
        if cues.wants_again(said.text):
            return True
    spec = await _load(context.asker, entry)
    if spec is None:
        return False
    if said.choice is not None:
        return any(parameter.askable and parameter.name == said.choice.field for parameter in spec.parameters)
    return bool(find_values(spec.parameters, said.text, datetime.now(UTC).date()).values)


def _is_other_question(decision: Decision, entry: ActionEntry, text: str) -> bool:
    """Whether the router would surely put this through to somewhere else."""
    if decision.route in ("unknown", "human"):
        return decision.route == "human"
    if decision.action is not None and decision.action.id == entry.id:
        return False
    # Documents speak of much that an action is asked about: "and my savings?" after a balance asks for that balance.
    return decision.confidence >= (SURE if decision.route != "document" else SURE_OF_DOCUMENTS)


def _own(dialogue: Mapping[str, Any], entry: ActionEntry) -> Mapping[str, Any]:
    """The dialogue state as far as it is about this action."""
    own = dialogue if dialogue.get("id") == str(entry.id) else {}
    last = dialogue.get("last") or {}
    return {**own, "last": last} if last.get("id") == str(entry.id) else own


def _as_call(spec: ActionSpec, result: ActionResult) -> dict[str, Any]:
    """The call as the Interaction keeps it."""
    return {
        "action": spec.name,
        "title": spec.title,
        "arguments": masked(spec.parameters, result.arguments),
        "outcome": result.outcome,
        "status": result.status,
        "duration_ms": round(result.duration_ms, 1),
    }
