"""Lets a model answer aloud: its calls run where they stand, and a sentence is heard once a source supports it."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from chat import inline, llm, verifier
from chat.exchange import Answer, Asker
from chat.grounding import courtesy, entailment
from chat.grounding.support import Evidence, Source, Verdict
from chat.inline import Broken, Call, InlineParser, NoAnswer, SourceMarks
from chat.sentence_stream import SentenceStream
from chat.voice import Voice
from knowledge import actions
from knowledge.actions import ActionSpec
from knowledge.embedding import get_embedder
from knowledge.snapshot import ActionEntry
from tenants.database import in_database

logger = logging.getLogger(__name__)

MOST_CALLS = 5
LONGEST_S = 60.0
# Stand in a sentence for a call's result, and for a bracket that was dropped.
RESULT, DROPPED = "\ue000", "\ue001"

LookUp = Callable[[Asker, ActionSpec, dict[str, Any]], Awaitable[Answer]]


@dataclass(frozen=True)
class Task:
    """What the model is to answer, from what, and which actions it may run. `heard` is what the customer has said;
    `spoken` makes of a sentence as the model writes it one that customers hear."""

    asker: Asker
    prompt: llm.Prompt
    sources: tuple[Source, ...]
    look_up: LookUp
    actions: Mapping[str, ActionEntry] = field(default_factory=dict)
    heard: tuple[str, ...] = ()
    allowed_names: tuple[str, ...] = ()
    spoken: Callable[[str], str] = str


@dataclass(frozen=True)
class HeldBack:
    """A sentence that was not said, and why."""

    sentence: str
    reason: str


@dataclass(frozen=True)
class Spoken:
    """What came of it. `quotes` are the words of each source, by its number, that support what was said."""

    outcome: Literal["answered", "no answer", "unsupported"]
    text: str
    quotes: dict[int, tuple[str, ...]]
    looked_up: tuple[Answer, ...]
    held_back: tuple[HeldBack, ...]
    usages: tuple[llm.Usage, ...]

    def as_json(self) -> dict[str, Any]:
        """As the Interaction keeps it."""
        first = self.usages[0]
        return {
            "model": first.model,
            "outcome": self.outcome,
            "requests": len(self.usages),
            "prompt_tokens": sum(usage.prompt_tokens for usage in self.usages),
            "completion_tokens": sum(usage.completion_tokens for usage in self.usages),
            "first_token_ms": first.first_token_ms,
            "total_ms": round(sum(usage.total_ms for usage in self.usages), 2),
            "held_back": [{"sentence": each.sentence, "reason": each.reason} for each in self.held_back],
        }


async def speak(task: Task, voice: Voice) -> Spoken:
    """Raises LlmError where the model gives nothing or breaks off; what was heard until then has been said."""
    try:
        async with asyncio.timeout(LONGEST_S):
            return await _Speech(task, voice).run()
    except TimeoutError as problem:
        raise llm.LlmError(f"The answer was not complete after {LONGEST_S:g} s.") from problem


class _Speech:
    def __init__(self, task: Task, voice: Voice) -> None:
        self._task, self._voice = task, voice
        self._sentences = SentenceStream()
        self._written = task.prompt.begun
        self._sources = list(task.sources)
        self._evidence: asyncio.Task[Evidence] | None = None
        self._results: list[str] = []
        self._made: dict[str, Answer] = {}
        self._said: list[str] = []
        self._gap, self._lead = "", ""
        self._held: list[HeldBack] = []
        self._dropped: list[HeldBack] = []
        self._quotes: dict[int, list[str]] = {}
        self._marked: set[int] = set()
        self._usages: list[llm.Usage] = []
        self._calls = 0
        self._silent = self._failed = False

    async def run(self) -> Spoken:
        try:
            while (made := await self._generate()) and self._calls < MOST_CALLS:
                await self._weave(*made)
                if self._over:
                    break
            if not self._failed:
                await self._hear(self._sentences.end())
        finally:
            if self._evidence:
                self._evidence.cancel()
        return Spoken(
            self._outcome(),
            "".join(self._said),
            {number: tuple(quotes) for number, quotes in self._quotes.items()},
            tuple(self._made.values()),
            (*self._held, *self._dropped),
            tuple(self._usages),
        )

    @property
    def _over(self) -> bool:
        return self._silent or self._failed

    async def _generate(self) -> tuple[Call, ActionSpec, dict[str, Any]] | None:
        """Until the model has written a call that may be made, or ends. One that may not is dropped, and it goes on."""
        parser = InlineParser()
        async with llm.generating(replace(self._task.prompt, begun=self._written)) as generation:
            self._usages.append(generation.usage)
            # Only now: the prompt must not wait for it.
            self._evidence = self._evidence or asyncio.create_task(self._read_sources())
            async for piece in generation:
                for part in parser.feed(piece):
                    if checked := await self._take(part):
                        return checked
                if self._over:
                    return None
        for part in parser.end():
            if checked := await self._take(part):
                return checked
        return None

    async def _take(self, part: inline.Part) -> tuple[Call, ActionSpec, dict[str, Any]] | None:
        match part:
            case Call():
                return await self._checked(part)
            case SourceMarks(numbers):
                self._marked |= set(numbers)
            case NoAnswer():
                self._silent = True
            case Broken(written):
                await self._drop(written, "it is no call that could be read")
            case inline.Text(text):
                self._written += text
                await self._add(text.replace(RESULT, "").replace(DROPPED, ""))
        return None

    async def _add(self, text: str) -> None:
        for sentence in self._sentences.feed(text):
            if not self._over:
                await self._hear(sentence)

    async def _drop(self, written: str, reason: str) -> None:
        self._dropped.append(HeldBack(written[:200], reason))
        await self._add(DROPPED)

    async def _checked(self, call: Call) -> tuple[Call, ActionSpec, dict[str, Any]] | None:
        """The call with what it needs, if it may be made."""
        asker = self._task.asker
        try:
            entry = self._task.actions.get(call.name)
            if entry is None:
                raise verifier.Refused(f"this bot has no action {call.name}")
            spec = await in_database(actions.load_action, entry.group_id, entry.id, scope=asker.scope)
            if spec.writes:
                raise verifier.Refused("it changes something, which only the customer's own yes may begin")
            heard = [*self._task.heard, *self._results]
            today = datetime.now(UTC).date()
            return call, spec, verifier.checked_call(spec, call.arguments, heard, asker.customer, today)
        except (ObjectDoesNotExist, ValidationError):
            await self._drop(f"[{call.written}]", f"{call.name} cannot be used")
        except verifier.Refused as refusal:
            await self._drop(f"[{call.written}]", str(refusal))
        return None

    async def _weave(self, call: Call, spec: ActionSpec, arguments: dict[str, Any]) -> None:
        """Run a call, but never the same twice; the model goes on from the text that includes the result."""
        self._calls += 1
        same = f"{spec.name} {sorted(arguments.items())}"
        told = self._made.get(same) or await self._task.look_up(self._task.asker, spec, arguments)
        if same not in self._made:
            self._made[same] = told
            if not told.citations:
                # What could not be looked up is told as it is, not talked around.
                self._failed = True
                return
            source = Source(1 + max((each.number for each in self._sources), default=0), told.text, spec.title)
            self._sources.append(source)
            (await self._read()).add(source)
        self._results.append(told.text)
        result = told.text.replace("[", "(").replace("]", ")")
        self._written += f"[{call.written} → {result}]"
        await self._add(RESULT)

    async def _hear(self, raw: str) -> None:
        """Say a sentence, or hold it back."""
        sentence = self._woven(raw)
        space = sentence[len(sentence.rstrip()) :] or " "
        sentence = self._task.spoken(sentence.strip())
        if not sentence:
            return
        opens = courtesy.says_nothing(sentence) and not self._quotes
        if opens or courtesy.is_bare_answer(sentence):
            self._lead += sentence + space
            return
        verdict = Verdict(True) if courtesy.says_nothing(sentence) else await self._judged(sentence)
        if verdict.supported:
            self._note(verdict)
            await self._say(self._lead + sentence, space)
        else:
            self._held.append(HeldBack(sentence, verdict.reason))
            # The first statement answers the question: without it the rest is no answer.
            self._failed = not self._quotes
        self._lead = ""

    async def _judged(self, sentence: str) -> Verdict:
        if DROPPED in sentence:
            return Verdict(False, "what it was to say was dropped with a call that could not be made")
        if self._held and courtesy.leans_on_the_last(sentence):
            return Verdict(False, "it leans on a sentence that was held back")
        try:
            verifier.check_sentence(sentence, self._task.prompt.system)
        except verifier.Refused as refusal:
            return Verdict(False, str(refusal))
        evidence = await self._read()
        marked, self._marked = frozenset(self._marked), set()
        verdict = await asyncio.to_thread(evidence.verdict, sentence, marked)
        if verdict.supported and (second := await entailment.opinion(sentence, verdict.quote)) != "supported":
            return Verdict(False, f"the second opinion is that it is {second}")
        return verdict

    def _woven(self, raw: str) -> str:
        """The sentence without the places of calls; where nothing is said after a call, its result takes the place."""
        if RESULT in raw:
            before, _, after = raw.rpartition(RESULT)
            if not re.search(r"\w", after):
                space = raw[len(raw.rstrip()) :] or "\n"
                return self._results[-1] + space
            raw = before.replace(RESULT, "") + after
        if DROPPED in raw and re.search(rf"{DROPPED}\s*\w", raw):
            # The sentence goes on without what was dropped; whether it can stand so is for its sources to say.
            raw = raw.replace(DROPPED, "")
        return re.sub(r"[ \t]+(?=[.,;:!?])", "", re.sub(r"(?<=\S)[ \t]{2,}", " ", raw))

    def _note(self, verdict: Verdict) -> None:
        if not verdict.source:
            return
        quotes = self._quotes.setdefault(verdict.source, [])
        if verdict.quote not in quotes:
            quotes.append(verdict.quote)

    async def _say(self, sentence: str, space: str) -> None:
        piece = self._gap + sentence
        self._said.append(piece)
        self._gap = space
        await self._voice.say(piece)

    def _outcome(self) -> Literal["answered", "no answer", "unsupported"]:
        if self._quotes and not self._failed and len(self._held) <= len(self._said):
            return "answered"
        return "no answer" if self._silent and not self._quotes else "unsupported"

    async def _read(self) -> Evidence:
        self._evidence = self._evidence or asyncio.create_task(self._read_sources())
        return await self._evidence

    async def _read_sources(self) -> Evidence:
        def read() -> Evidence:
            return Evidence(self._task.sources, get_embedder(), self._task.allowed_names).prepare()

        return await asyncio.to_thread(read)
