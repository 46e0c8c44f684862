"""What every check of a value raises."""


class BadValue(ValueError):
    """A value that a parameter refuses; its text is a sentence for the customer."""
