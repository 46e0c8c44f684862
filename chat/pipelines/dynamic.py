"""The dynamic line without an LLM: asks for what is missing, calls the business's API, answers by its template; what
changes something is proposed, and carried out once the customer has said yes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from chat import call_opinion, choosing, confirming, cues, remembering, settling, suspending
from chat.context import TurnContext
from chat.customer_token import token_of
from chat.elicitation import Elicitation
from chat.elicitation_steps import (
    Ask,
    Cancelled,
    ChangedSubject,
    Lookup,
    NeedsSignIn,
    NothingThere,
    Outcome,
    Ready,
    Said,
)
from chat.exchange import Answer, Asker, Choices, Citation, Decision, Question
from chat.offering import Offering
from chat.pipelines.unknown import OFFERED_PERSON
from chat.suspending import offered_in
from chat.verifier import Refused
from knowledge import actions, rendering
from knowledge.actions import ActionResult, ActionSpec
from knowledge.snapshot import ActionEntry
from knowledge.values import Option, Remembered, known_value, masked
from tenants.database import in_database

logger = logging.getLogger(__name__)

# How surely something else is asked; with a word or two ("size 43") hardly anything is.
SURE, SURE_OF_DOCUMENTS, SURE_OF_A_WORD = 0.6, 0.98, 0.9
RESUMED = 0.95
SHORT_REPLY = 2
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
    begun = remembering.kept(context.dialogue, begun)
    waiting = suspending.waiting(context.dialogue, str(decision.action.id))
    if suspending.is_open(begun.dialogue):
        return begun.with_dialogue(suspending.suspended(begun.dialogue, waiting))
    return await _back_to(context, begun, waiting)


async def resume(context: TurnContext, routed: RoutedQuestion) -> Answer | None:
    """The answer of the action that is open in this conversation; None if there is none or the customer moved on.

    After None, context.dialogue still holds the open questions: keep it, and they can be answered later.
    """
    entry = open_action(context)
    question, decision = routed.question, routed.decision
    if question.choice is None and (settled := await settling.in_words(context, question.text)):
        return settled
    if entry is None:
        return None
    said = Said(question.text, question.choice)
    is_new = partial(_is_other_question, decision, entry, question.understood != question.text)
    following = "action" not in context.dialogue
    if following and not _may_follow(context, said, is_new):
        return None
    wants_person = decision.route == "human" and decision.confidence >= SURE
    resumed = await converse(
        context.asker, entry, said, context.dialogue, is_new, RESUMED, following=following, wants_person=wants_person
    )
    if isinstance(resumed, ChangedSubject):
        return None
    resumed = remembering.kept(context.dialogue, resumed)
    waiting = suspending.waiting(context.dialogue, str(entry.id))
    if suspending.is_open(resumed.dialogue):
        return resumed.with_dialogue(suspending.suspended(resumed.dialogue, waiting))
    return await _back_to(context, resumed, waiting)


async def come_back(context: TurnContext, said: Answer) -> Answer:
    """After an answer of another line: what an action has asked is asked once more, not every time."""
    if said.route not in ("faq", "document") or not said.citations or said.choices:
        return said
    if "action" not in context.dialogue or suspending.CAME_BACK in context.dialogue:
        return said
    asked = await _back_to(context, said, suspending.waiting(context.dialogue, ""))
    return asked.with_dialogue({**asked.dialogue, suspending.CAME_BACK: True})


async def _back_to(context: TurnContext, said: Answer, waiting: Sequence[Mapping[str, Any]]) -> Answer:
    """After something that came between: the question that waited for its answer is asked once more."""
    for number, state in enumerate(waiting):
        entries = (entry for snapshot in context.snapshots for entry in snapshot.actions)
        entry = next((entry for entry in entries if str(entry.id) == state.get("id")), None)
        spec = await _load(context.asker, entry) if entry and not said.handoff else None
        asked = next((each for each in spec.parameters if each.name == state.get("asking")), None) if spec else None
        if spec is None or asked is None:
            continue
        options = tuple((option.value, option.label) for option in offered_in(state, asked))
        text = f"{said.text}\n\nBack to “{spec.title}”: {asked.question}"
        dialogue = suspending.suspended({**said.dialogue, **state}, waiting[number + 1 :])
        return replace(said, text=text, choices=Choices(asked.name, asked.question, options), dialogue=dialogue)
    return said


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
    following: bool = False,
    wants_person: bool = False,
) -> Answer | ChangedSubject:
    """One step of an action's dialogue: a question back, a request to sign in, or the result of the call."""
    spec = await _load(asker, entry)
    if spec is None:
        return Answer(f"I cannot look that up just now. {PERSON}", "dynamic", confidence)
    remembered = remembering.remembered(dialogue)
    fallbacks = {each.name: known_value(each.fallback, asker.customer, remembered) for each in spec.parameters}
    known = {name: value for name, value in fallbacks.items() if value is not None}
    steps = Elicitation(
        entry.name, spec.parameters, datetime.now(UTC).date(), looks_like_new_question, spec.needs_customer, known,
        following=following, wants_person=wants_person,
    )  # fmt: skip
    own = _own(dialogue, entry)
    outcome, offering = steps.advance(own, said, asker.customer), _offering(asker, spec, remembered)
    while isinstance(outcome, Lookup):
        if failed := await offering.take(outcome):
            kept = {**outcome.state, "id": str(entry.id)}
            return _with_calls(_failing(failed, confidence).with_dialogue(kept), offering)
        steps = replace(steps, looked_up=offering.looked_up)
        outcome = steps.advance(own, said, asker.customer)
    if isinstance(outcome, ChangedSubject):
        return outcome
    if confirming.FIELD in dialogue and not isinstance(outcome, Ready):
        # What was to be confirmed is being changed: a yes to it would be to something else.
        await in_database(confirming.withdraw, asker.conversation_id, scope=asker.scope)
    return _with_calls(await _came_to(outcome, asker, spec, entry, dialogue, remembered, confidence), offering)


async def _came_to(
    outcome: Outcome,
    asker: Asker,
    spec: ActionSpec,
    entry: ActionEntry,
    dialogue: Mapping[str, Any],
    remembered: tuple[Remembered, ...],
    confidence: float,
) -> Answer:
    """What the customer is told now: asked, sent to sign in, or answered."""
    match outcome:
        case Ask():
            return _asking(outcome, entry, confidence)
        case NeedsSignIn(state):
            text = "I can look that up as soon as I know who you are. Please sign in, and I will go on from here."
            kept = {**state, "id": str(entry.id)}
            return Answer(text, "dynamic", confidence, sign_in={"methods": ["identity"]}, dialogue=kept)
        case Cancelled():
            return Answer("All right, I have stopped there. What else can I do for you?", "dynamic", confidence)
        case NothingThere(name):
            text = f"I looked, but there is nothing to choose from for the {name.replace('_', ' ')}. {PERSON}"
            return Answer(text, "dynamic", confidence)
        case Ready(arguments, chosen, state):
            last = {**state, "id": str(spec.id)}
            spec = with_labels(spec, chosen)
            try:
                await call_opinion.check_for(asker, spec, arguments)
            except Refused as refusal:
                return _refusing(spec, refusal, confidence)
            if spec.writes:
                return await confirming.propose(asker, spec, arguments, remembered, confidence, last)
            return await _called(asker, spec, arguments, dialogue, confidence, last)
    text = "I am sorry, I could not work that out. I am passing you on to a person, who will answer right here."
    return Answer(text, "dynamic", confidence, handoff=True)


def _offering(asker: Asker, spec: ActionSpec, remembered: tuple[Remembered, ...]) -> Offering:
    return Offering(asker, spec.group_id, remembered, asker.language)


def with_labels(spec: ActionSpec, chosen: Mapping[str, Option]) -> ActionSpec:
    """The action with what was chosen of looked-up choices, so that it is shown by its label."""
    parameters = tuple(
        replace(each, choices=(chosen[each.name],)) if each.name in chosen else each for each in spec.parameters
    )
    return replace(spec, parameters=parameters)


def _with_calls(answer: Answer, offering: Offering) -> Answer:
    """The look-ups of choices are calls as well."""
    return replace(answer, calls=(*(_as_call(spec, result) for spec, result in offering.calls), *answer.calls))


def _failing(result: ActionResult, confidence: float) -> Answer:
    offer = OFFERS.get(result.error_code, "")
    return Answer(" ".join(part for part in (result.message, offer, PERSON) if part), "dynamic", confidence)


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
    asker: Asker,
    spec: ActionSpec,
    arguments: dict[str, Any],
    dialogue: Mapping[str, Any],
    confidence: float,
    last: Mapping[str, Any] | None = None,
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
    text, citations = _said(spec, result, asker.language)
    kept: dict[str, Any] = {"last": last or {"action": spec.name, "id": str(spec.id), "arguments": arguments}}
    kept |= remembering.with_result(dialogue, spec.name, result.values)
    return Answer(text, "dynamic", confidence, citations, calls=(_as_call(spec, result),), dialogue=kept)


def _said(spec: ActionSpec, result: ActionResult, language: str) -> tuple[str, tuple[Citation, ...]]:
    """The sentence for the customer, cited if it is what the API said."""
    if not result.ok:
        return _failing(result, SURE).text, ()
    try:
        text = rendering.render(
            spec.answer,
            response=result.data,
            arguments=result.arguments,
            results=dict(result.values),
            language=language,
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


def _may_follow(context: TurnContext, said: Said, is_new: Callable[[str], bool]) -> bool:
    """Whether the customer may ask the last action again with something changed ("and in size L?"), or change what
    they are about to confirm."""
    if said.choice is not None:
        return True
    if is_new(said.text):
        return False
    return confirming.FIELD in context.dialogue or cues.is_follow_up(said.text)


def _is_other_question(decision: Decision, entry: ActionEntry, leans: bool, text: str) -> bool:
    """Whether the router would surely put this through to somewhere else."""
    if decision.route == "human":
        return True
    if decision.route == "unknown":
        # "Do you rent out tents?" is no failed reply to "Which colour?", which stays open.
        leans = leans or cues.is_follow_up(text)
        return not leans and cues.is_question(text) and len(choosing.tokens(text)) > SHORT_REPLY
    if not cues.is_question(text):
        # What leans on the question before it, or is a word or two, is a reply rather than another question.
        words = len(choosing.tokens(text))
        vetted = decision.route == "faq" and decision.confidence >= SURE_OF_A_WORD
        if leans or (words <= SHORT_REPLY and (words == 1 or not vetted)):
            return False
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
