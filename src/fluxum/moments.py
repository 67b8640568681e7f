"""What a replay gives: frames with their events, one by one or several at once."""

from collections.abc import Iterator

from msgspec import Struct, structs

from fluxum.model.event import Event
from fluxum.model.market import BookUpdate

__all__ = ["Moment", "PassedUpdates", "joined"]


class Moment(Struct, frozen=True):
    """One frame of a tape, its events, and its place in the file, counted from 0.

    `link` is the number of its link on the tape. `is_frame` is false for a closed link, a REST
    answer, a hole of the recorder or the end of the tape; `index` is then that of the next frame.
    """

    index: int
    ns: int | None
    events: list[Event]
    link: int = 1
    is_frame: bool = True


class PassedUpdates(Struct, frozen=True):
    """Frames behind each other with one update of a book each, which passed its check.

    `index` is the place of the first frame. Books are as after the last one, or one frame later.
    """

    index: int
    updates: list[BookUpdate]


def joined(
    moments: Iterator[Moment | PassedUpdates],
) -> Iterator[Moment | PassedUpdates]:
    """Each frame with the events since the one before; a last moment has those behind the last."""
    between: list[Event] = []
    moment: Moment | PassedUpdates | None = None
    for moment in moments:
        if isinstance(moment, PassedUpdates):
            yield moment
        elif not moment.is_frame:
            between += moment.events
        elif between:
            yield structs.replace(moment, events=between + moment.events)
            between = []
        else:
            yield moment
    if isinstance(moment, Moment) and between:
        yield structs.replace(moment, events=between)
