"""Teaching a model where calls help it: sampled, run, kept where they make the next words likelier.

Schick et al., "Toolformer: Language Models Can Teach Themselves to Use Tools" (2023), section 2.
"""

from collections.abc import AsyncIterator, Sequence

from chat.toolformer.annotating import Annotated, Annotator
from chat.toolformer.candidates import Sampling
from chat.toolformer.language_model import LanguageModel
from chat.toolformer.prompting import Demonstration, Prompting
from chat.toolformer.running import Runner
from chat.toolformer.texts import Exchange

__all__ = ["Annotated", "Demonstration", "Exchange", "LanguageModel", "Runner", "Sampling", "annotate"]


async def annotate(
    exchanges: Sequence[Exchange],
    model: LanguageModel,
    runner: Runner,
    demonstrations: Sequence[Demonstration],
    sampling: Sampling,
) -> AsyncIterator[Annotated]:
    """Each answer with the calls that are worth it, and what became of all that were sampled.

    Raises chat.llm.LlmError where the model cannot be asked.
    """
    annotator = Annotator(model, runner, Prompting(runner.listed, demonstrations), sampling)
    for exchange in exchanges:
        yield await annotator.annotated(exchange)
