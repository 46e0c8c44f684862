"""The prompt P(x) that shows a model how a text looks with calls in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chat.quoting import line
from knowledge.snapshot import ActionEntry

TASK = """Add calls of live data to the answers of a support chatbot. A call stands in square brackets right before what
it tells, and only where the answer could not be known without it. The calls are:
{actions}
"""
OPENS = "["


@dataclass(frozen=True)
class Demonstration:
    """A question, and an answer cut in two where the call belongs; `written` is the call without its brackets."""

    question: str
    before: str
    written: str
    after: str


class Prompting:
    def __init__(self, actions: Iterable[ActionEntry], demonstrations: Sequence[Demonstration]) -> None:
        listed = "\n".join(f"{OPENS}{each.name}({each.takes})] – {line(each.title)}" for each in actions)
        shown = [
            self._asked(each.question, each.before + each.after) + f"{each.before}{OPENS}{each.written}] {each.after}\n"
            for each in demonstrations
        ]
        self._begins = "\n".join([TASK.format(actions=listed), *shown])

    def annotating(self, question: str, answer: str) -> str:
        """What stands before the answer in which calls are to be placed."""
        return f"{self._begins}\n{self._asked(question, answer)}"

    @staticmethod
    def _asked(question: str, answer: str) -> str:
        return f"Question: {line(question)}\nAnswer: {line(answer)}\nWith calls: "
