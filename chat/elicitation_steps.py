"""What a customer does in one step of being asked, and what the step may come to."""

from dataclasses import dataclass, field
from typing import Any

from chat.exchange import Choice
from knowledge.values import ChoicesFrom, Option


@dataclass(frozen=True)
class Said:
    """What the customer did: typed words or pressed a button. `understood` is the text with what it refers to."""

    text: str
    choice: Choice | None = None
    understood: str = ""


@dataclass(frozen=True)
class Ask:
    """Something is missing. `problem` says what was wrong with the last reply."""

    field: str
    prompt: str
    choices: tuple[Option, ...]
    problem: str
    state: dict[str, Any]


@dataclass(frozen=True)
class Lookup:
    """The choices of a parameter must be asked for before this step can be taken; `arguments` are that action's."""

    field: str
    source: ChoicesFrom
    arguments: dict[str, Any]
    given: dict[str, Any]
    required: bool
    state: dict[str, Any]


@dataclass(frozen=True)
class NothingThere:
    """There is nothing to choose from."""

    field: str


@dataclass(frozen=True)
class Ready:
    """The customer has said everything; claims are not among the arguments, the call fills them in.

    `chosen` holds what was chosen of looked-up choices, to be shown by its label.
    """

    arguments: dict[str, Any]
    chosen: dict[str, Option] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class NeedsSignIn:
    """The action needs a verified customer, and there is none."""

    state: dict[str, Any]


@dataclass(frozen=True)
class Cancelled:
    """The customer does not want it any more."""


@dataclass(frozen=True)
class ChangedSubject:
    """The customer asks something else; with the state it can be resumed."""

    state: dict[str, Any]


@dataclass(frozen=True)
class GiveUp:
    """Asked twice without success: a person should take over."""

    field: str


Outcome = Ask | Lookup | NothingThere | Ready | NeedsSignIn | Cancelled | ChangedSubject | GiveUp
