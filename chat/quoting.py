"""Texts that others wrote, made harmless for a prompt: they can be nothing but texts there."""


def data(text: str) -> str:
    """Without the signs by which a text could close its marks or look like an action."""
    return text.translate(_HARMLESS)


def line(text: str) -> str:
    """The same on one line, fit to stand within quotes."""
    return data(" ".join(text.split())).replace('"', "”")


def shortened(text: str, longest: int) -> str:
    """On one line, cut after a word where it is longer."""
    text = line(text)
    return text if len(text) <= longest else text[: text.rfind(" ", 0, longest)] + " …"


_HARMLESS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")"})
