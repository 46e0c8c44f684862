"""An action's definition, checked as a whole: its path, templates, examples, and what it may change and when."""

import re
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError

from knowledge.models import Action
from knowledge.parameters import parse_parameters
from knowledge.rendering import check_template, names_used
from knowledge.results import check_results
from knowledge.values import Parameter

MAX_EXAMPLES = 200
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
Problems = dict[str, list[str]]


def check_action(action: Action) -> None:
    """Raise ValidationError, by field, unless the action can be called and answered with."""
    problems: Problems = {}
    parameters: tuple[Parameter, ...] = ()
    try:
        parameters = parse_parameters(action.parameters)
    except ValidationError as problem:
        problems.update(problem.message_dict)
    else:
        _check_use(action, parameters, problems)
        _check_choices(action, parameters, problems)
        _check_writing(action, parameters, problems)
    if action.method not in Action.METHODS:
        problems["method"] = [f"must be one of {', '.join(Action.METHODS)}."]
    if problem_of_path := _path_problem(action.path):
        problems["path"] = [problem_of_path]
    _check_templates(action, problems)
    try:
        check_results(action.results)
    except ValidationError as problem:
        problems.update(problem.message_dict)
    if not _are_examples(action.examples):
        problems["examples"] = [f"must be a list of at most {MAX_EXAMPLES} texts of 1 to 500 characters."]
    if problems:
        raise ValidationError(problems)


def _check_use(action: Action, parameters: tuple[Parameter, ...], problems: Problems) -> None:
    """Whether the parameters fit the path, the method and who may ask."""
    named, in_path = set(PLACEHOLDER.findall(action.path)), {p.api_name for p in parameters if p.location == "path"}
    if missing := sorted(named - in_path):
        problems["parameters"] = [f"The path has {{{missing[0]}}}, but no path parameter has that name."]
    if unused := sorted(in_path - named):
        problems["parameters"] = [f"The path parameter {unused[0]} does not occur in the path."]
    if action.method == "GET" and any(parameter.location == "body" for parameter in parameters):
        problems["parameters"] = ["A GET request has no body; put the parameters into the query."]
    claimed = [parameter.name for parameter in parameters if parameter.claimed]
    if claimed and not action.requires_verified:
        problems["requires_verified"] = [f"must be on: {claimed[0]} comes from the signed-in customer."]


def _check_choices(action: Action, parameters: tuple[Parameter, ...], problems: Problems) -> None:
    """Whether choices that another action lists can be asked for: what it needs is known, and nothing goes round."""
    by_name = {parameter.name: parameter for parameter in parameters}
    for parameter in parameters:
        source = parameter.choices_from
        if source is None:
            continue
        lookup = Action.objects.filter(group_id=action.group_id, name=source.action).exclude(id=action.id).first()
        here = f"Parameter {parameter.name}: choices_from"
        if lookup is None or lookup.writes:
            problems["parameters"] = [f"{here}: {source.action} is no other action of this bot that only reads."]
            return
        asked = parse_parameters(lookup.parameters)
        needed = {each.name for each in asked if each.required and each.askable and not each.fallback}
        if missing := sorted(needed - set(source.arguments)):
            problems["parameters"] = [f"{here}: arguments: {lookup.name} needs {missing[0]}: say what fills it."]
        elif unknown := sorted(set(source.arguments) - {each.name for each in asked if each.askable}):
            problems["parameters"] = [f"{here}: arguments: {lookup.name} has no {unknown[0]} that can be filled."]
        elif unknown := sorted(set(source.arguments.values()) - set(by_name)):
            problems["parameters"] = [f"{here}: arguments: there is no parameter {unknown[0]}."]
        elif _goes_round(parameter, by_name):
            problems["parameters"] = [f"{here}: what it depends on depends on it."]
        if lookup.requires_verified and not action.requires_verified:
            problems["requires_verified"] = [f"must be on: {lookup.name} is asked for a signed-in customer."]


def _goes_round(parameter: Parameter, by_name: dict[str, Parameter]) -> bool:
    seen: set[str] = set()
    ahead = [parameter]
    while ahead:
        source = ahead.pop().choices_from
        for name in source.arguments.values() if source else ():
            if name == parameter.name:
                return True
            if name not in seen:
                seen.add(name)
                ahead.append(by_name[name])
    return False


def _check_writing(action: Action, parameters: tuple[Parameter, ...], problems: Problems) -> None:
    """Whether what it changes is bounded as it says, and confirmed in full."""
    if action.only_reads and action.method not in ("GET", "POST"):
        problems["only_reads"] = [f"must be off: a {action.method} changes something."]
    numbers = {each.name for each in parameters if each.type in ("number", "integer")}
    if action.amount_parameter and action.amount_parameter not in numbers:
        problems["amount_parameter"] = [f"{action.amount_parameter} is not a number among the parameters."]
    for field in ("most_amount", "approve_above"):
        limit: Decimal | None = getattr(action, field)
        if limit is not None and not action.amount_parameter:
            problems["amount_parameter"] = ["Name the parameter that holds the amount which is limited."]
        if limit is not None and limit < 0:
            problems[field] = ["must be 0 or more."]
    lookup = action.status_action
    if lookup is not None:
        known = {parameter.name for parameter in parameters}
        missing = [each.name for each in parse_parameters(lookup.parameters) if each.required and each.askable]
        missing = [name for name in missing if name not in known]
        if lookup.writes or lookup.group_id != action.group_id:
            problems["status_action"] = ["must be an action of the same bot that only reads."]
        elif missing:
            problems["status_action"] = [f"needs {missing[0]}, which is not among the parameters."]
        if not action.status_answer.strip():
            problems["status_answer"] = ["Say by a template what the look-up's response means: yes or no."]


def _check_templates(action: Action, problems: Problems) -> None:
    for field in ("answer", "confirmation", "status_answer"):
        template: str = getattr(action, field)
        if template.strip() or field == "answer":
            try:
                check_template(template)
            except ValueError as problem:
                problems[field] = [str(problem)]
    if not action.confirmation.strip() or "confirmation" in problems or "parameters" in problems:
        return
    shown = names_used(action.confirmation, "arguments") | names_used(action.confirmation, "labels")
    asked = [each.name for each in parse_parameters(action.parameters) if each.askable and not each.sensitive]
    if hidden := [name for name in asked if name not in shown]:
        problems["confirmation"] = [f"does not show {hidden[0]}: the customer must see everything that will be sent."]


def _path_problem(path: str) -> str:
    if not path.startswith("/") or path.startswith("//"):
        return "must begin with a single slash; it is added to the base URL."
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", PLACEHOLDER.sub("", path)):
        return "holds a character that does not belong in a path; queries are made of parameters."
    if any(part in (".", "..") for part in path.split("/")) or "%2f" in path.lower() or "%2e" in path.lower():
        return "must not step up or sideways with dots."
    return ""


def _are_examples(examples: Any) -> bool:
    return (
        isinstance(examples, list)
        and len(examples) <= MAX_EXAMPLES
        and all(isinstance(text, str) and 0 < len(text.strip()) <= 500 for text in examples)
    )
