"""A state on a page, in its word and its colour."""

from runner.states import STATES, Tone

from .elements import Content, Html, element


def badge(state: str, *more: Content, tone: Tone | None = None) -> Html:
    """A state in its colour: the word always stands there too, for colours alone say nothing to many.

    One that nobody knows stands as it is. With `tone` it is any short word.
    """
    word, its = STATES.get(state, (state, "calm"))
    return element("span", word if tone is None else state, *more, class_=f"badge {tone or its}")
