"""How a bot is to lead a conversation: its goals, the questions it may ask next, and its replies to objections."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from tenants.text import check_text

# All of it is part of every prompt.
LONGEST_GOALS, LONGEST_NEXT_QUESTIONS, LONGEST_OBJECTIONS = 1_000, 1_000, 2_000
GOALS, NEXT_QUESTIONS, OBJECTIONS = "playbook_goals", "playbook_next_questions", "playbook_objections"


@dataclass(frozen=True)
class Playbook:
    """`objections` pairs what a customer says with the reply."""

    goals: tuple[str, ...] = ()
    next_questions: tuple[str, ...] = ()
    objections: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.goals or self.next_questions or self.objections)

    @property
    def wordings(self) -> tuple[str, ...]:
        """What is meant to be said to customers; the goals are not."""
        return (*self.next_questions, *(reply for _, reply in self.objections))


def read(goals: str, next_questions: str, objections: str) -> Playbook:
    """A playbook from its three texts, an entry a line. An objection stands before the first colon of its line."""
    pairs = (line.partition(":") for line in _lines(objections))
    return Playbook(
        _lines(goals), _lines(next_questions), tuple((said.strip(), reply.strip()) for said, _, reply in pairs)
    )


def problems(goals: str, next_questions: str, objections: str) -> dict[str, str]:
    """What is wrong with the three texts, by field, with the number of the line."""
    texts = {GOALS: goals, NEXT_QUESTIONS: next_questions, OBJECTIONS: objections}
    longest = {GOALS: LONGEST_GOALS, NEXT_QUESTIONS: LONGEST_NEXT_QUESTIONS, OBJECTIONS: LONGEST_OBJECTIONS}
    found: dict[str, str] = {}
    for name, text in texts.items():
        try:
            check_text(text=text)
        except ValidationError as problem:
            found[name] = problem.messages[0]
        if len(text) > longest[name]:
            found[name] = f"At most {longest[name]:,} characters; this has {len(text):,}."
    for number, line in enumerate(next_questions.splitlines(), 1):
        if line.strip() and not line.rstrip().endswith(("?", "？", "؟")):
            found.setdefault(NEXT_QUESTIONS, f"Line {number} is no question: end it with a question mark.")
    for number, line in enumerate(objections.splitlines(), 1):
        said, _, reply = line.partition(":")
        if line.strip() and not (said.strip() and reply.strip()):
            found.setdefault(OBJECTIONS, f"Line {number} needs an objection, a colon and the reply to it.")
    return found


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
