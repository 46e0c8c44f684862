"""Lets a model answer aloud: its calls run where they stand, and a sentence is heard once a source supports it."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from chat import inline, llm, tool_calling, verifier
from chat.exchange import Answer, Asker
from chat.grounding import courtesy, entailment, phrases
from chat.grounding.facts import facts
from chat.grounding.support import Evidence, Source, Verdict
from chat.inline import Broken, Call, InlineParser, NoAnswer, SourceMarks
from chat.llm import ToolCall
from chat.looking_up import Checked, LookUp, LookUps
from chat.sentence_stream import SentenceStream
from chat.voice import Voice
from knowledge.embedding import get_embedder
from knowledge.snapshot import ActionEntry

LONGEST_S = 60.0
# Stand in a sentence for a call's result, and for a bracket that was dropped.
RESULT, DROPPED = "\ue000", "\ue001"


@dataclass(frozen=True)
class Task:
    """What the model is to answer, from what, and which actions it may run. `heard` is what the customer has said;
    `wordings` are the playbook's, which may be said although no source has them; `spoken` makes of a sentence as the
    model writes it one that customers hear."""

    asker: Asker
    prompt: llm.Prompt
    sources: tuple[Source, ...]
    look_up: LookUp
    actions: Mapping[str, ActionEntry] = field(default_factory=dict)
    heard: tuple[str, ...] = ()
    allowed_names: tuple[str, ...] = ()
    wordings: tuple[str, ...] = ()
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


@dataclass(frozen=True)
class Used:
    """Tools that a model has called, and what it wrote before."""

    text: str
    calls: tuple[ToolCall, ...]


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
        self._calls = LookUps(task.asker, task.look_up, task.actions, task.heard)
        self._rounds: list[llm.ToolRound] = []
        self._said: list[str] = []
        self._gap, self._lead = "", ""
        self._held: list[HeldBack] = []
        self._dropped: list[HeldBack] = []
        self._quotes: dict[int, list[str]] = {}
        self._marked: set[int] = set()
        self._usages: list[llm.Usage] = []
        self._silent = self._failed = False

    async def run(self) -> Spoken:
        try:
            while (wanted := await self._generate()) and not self._calls.used_up:
                await (self._use(wanted) if isinstance(wanted, Used) else self._weave(wanted))
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
            self._calls.made,
            (*self._held, *self._dropped),
            tuple(self._usages),
        )

    @property
    def _over(self) -> bool:
        return self._silent or self._failed

    async def _generate(self) -> Checked | Used | None:
        """Until the model has written a call that may be made, has called tools, or ends. A call in its text that may
        not be made is dropped, and it goes on."""
        parser, written = InlineParser(), len(self._written)
        async with llm.generating(self._prompt()) as generation:
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
        return Used(self._written[written:], generation.tool_calls) if generation.tool_calls else None

    def _prompt(self) -> llm.Prompt:
        """With what the model has written and looked up so far."""
        if self._task.prompt.tools:
            return replace(self._task.prompt, rounds=tuple(self._rounds))
        return replace(self._task.prompt, begun=self._written)

    async def _take(self, part: inline.Part) -> Checked | None:
        match part:
            case Call(written=written) if self._task.prompt.tools:
                await self._drop(f"[{written}]", "this model calls tools, and writes no calls")
            case Call():
                try:
                    return await self._calls.checked(part)
                except verifier.Refused as refusal:
                    await self._drop(f"[{part.written}]", str(refusal))
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

    async def _weave(self, checked: Checked) -> None:
        """Run a call that stands in the text; the model goes on from the text that includes the result."""
        told = await self._looked_up(checked)
        if told is not None:
            self._written += f"[{checked.call.written} → {told}]"
            await self._add(RESULT)

    async def _use(self, used: Used) -> None:
        """Run the tools that were called; the model is told each one's result, or why it was not run."""
        results: list[tuple[ToolCall, str]] = []
        least = self._calls.counted + 1
        for called in used.calls:
            try:
                if isinstance(call := tool_calling.read(called), Broken):
                    raise verifier.Refused("it is no call that could be read")
                if self._calls.used_up:
                    raise verifier.Refused("there were too many calls")
                told = await self._looked_up(await self._calls.checked(call))
                if told is None:
                    return
            except verifier.Refused as refusal:
                self._dropped.append(HeldBack(f"{called.name}({called.arguments})"[:200], str(refusal)))
                told = f"Not available: {refusal}."
            results.append((called, told))
        # A round in which none could be run counts as well: no model goes on calling for ever.
        self._calls.counted = max(self._calls.counted, least)
        self._rounds.append(llm.ToolRound(used.text, tuple(results)))
        await self._hear(self._sentences.end())

    async def _looked_up(self, checked: Checked) -> str | None:
        """What a call tells. None where it told nothing: that is said as it is, not talked around."""
        told, is_new = await self._calls.run(checked)
        if not told.citations:
            self._failed = True
            return None
        if is_new:
            number = 1 + max((each.number for each in self._sources), default=0)
            self._sources.append(source := Source(number, told.text, checked.spec.title))
            (await self._read()).add(source)
        return told.text.replace("[", "(").replace("]", ")")

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
        if verdict.supported and not verdict.source and not self._quotes:
            # What only the playbook says is no answer: it waits for one.
            self._lead += sentence + space
            return
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
            verifier.check_sentence(sentence, self._task.prompt.system, self._task.wordings)
        except verifier.Refused as refusal:
            return Verdict(False, str(refusal))
        evidence = await self._read()
        marked, self._marked = frozenset(self._marked), set()
        verdict = await asyncio.to_thread(evidence.verdict, sentence, marked)
        if verdict.supported and (second := await entailment.opinion(sentence, verdict.quote)) != "supported":
            return Verdict(False, f"the second opinion is that it is {second}")
        if not verdict.supported and await asyncio.to_thread(self._is_guided, sentence):
            return Verdict(True)
        return verdict

    def _is_guided(self, sentence: str) -> bool:
        """Whether it is a wording of the playbook, and none that needs a source."""
        if not self._task.wordings or facts(sentence) or phrases.promises(sentence):
            return False
        evidence = Evidence((Source(0, each) for each in self._task.wordings), get_embedder(), self._task.allowed_names)
        return evidence.verdict(sentence).supported

    def _woven(self, raw: str) -> str:
        """The sentence without the places of calls; where nothing is said after a call, its result takes the place."""
        if RESULT in raw:
            before, _, after = raw.rpartition(RESULT)
            if not re.search(r"\w", after):
                space = raw[len(raw.rstrip()) :] or "\n"
                return self._calls.results[-1] + space
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
