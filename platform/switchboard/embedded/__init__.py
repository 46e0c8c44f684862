"""PostgreSQL, Redis and every process of an installation on one machine, started and stopped together."""


class EmbeddedError(RuntimeError):
    """Something the person who started the program can put right; the text says what and how."""
