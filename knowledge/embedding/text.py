"""Makes any string fit to be embedded."""

# Far beyond what the models read, and short enough that a hostile message costs next to nothing.
READ_CHARACTERS = 20_000


def readable(text: str, *, whole: bool = False) -> str:
    """The text without lone surrogates, which no tokenizer takes, and cut to what could matter unless `whole`."""
    return (text if whole else text[:READ_CHARACTERS]).encode("utf-8", "replace").decode("utf-8")
