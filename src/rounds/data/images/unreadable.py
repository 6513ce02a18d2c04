"""A file that is no readable image, in a word."""

from collections.abc import Iterator
from contextlib import contextmanager

from rounds.errors import RoundsError


class BadImage(Exception):  # noqa: N818 (a finding about a file, not a failure of the program)
    """Why a file cannot be read, in a few words; never a patient's name."""


@contextmanager
def said_in_a_word() -> Iterator[None]:
    """What reading a damaged file raises, as BadImage."""
    try:
        yield
    except (BadImage, RoundsError):
        raise
    except FileNotFoundError:
        raise BadImage("no such file") from None
    except PermissionError:
        raise BadImage("may not be read") from None
    except Exception as error:  # decoders raise whatever they like on damaged bytes
        raise BadImage(_word(error)) from None


def _word(error: Exception) -> str:
    text = str(error).lower()
    if "truncated" in text or "not enough" in text or "broken" in text or "premature" in text or "less than" in text:
        return "truncated"
    if "identify" in text:
        return "no image"
    if "excess" in text or "length of the pixel data" in text:
        return "of another length than it says"
    return f"corrupt ({type(error).__name__})"
