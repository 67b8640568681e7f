"""One producer, many readers: every reader gets its own pipe."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar
from weakref import ref

from msgspec import Struct

from fluxum.errors import FluxumError
from fluxum.flow.pipe import Overflow, Pipe, PipeStatistics

__all__ = ["Bus", "BusStatistics"]

T = TypeVar("T")
_NOTHING = PipeStatistics(capacity=0, offered=0, delivered=0, conflated=0, dropped=0, waiting=0)


class BusStatistics(Struct, frozen=True, kw_only=True):
    """How many items were published, and what became of them at each reader.

    `departed` is the sum of all readers that have left.
    """

    published: int
    pipes: tuple[PipeStatistics, ...]
    departed: PipeStatistics


class Bus(Generic[T]):
    """Puts every item into the pipes of all readers that want it; no reader can harm another.

    The bus does not keep a pipe alive: if its reader drops it, the bus forgets it.
    """

    __slots__ = ("_departed", "_error", "_is_closed", "_readers", "is_read", "published")

    def __init__(self) -> None:
        self.published = 0
        self.is_read = False
        """Whether there is a reader now; if not, items need not be made."""
        self._readers: tuple[tuple[Callable[[T], bool] | None, ref[Pipe[T]]], ...] = ()
        self._departed = _NOTHING
        self._is_closed = False
        self._error: FluxumError | None = None

    def subscribe(
        self,
        wants: Callable[[T], bool] | None = None,
        *,
        capacity: int,
        overflow: Overflow,
        key: Callable[[T], Hashable | None] | None = None,
        notice: Callable[[int], T] | None = None,
        is_first: bool = False,
    ) -> Pipe[T]:
        """A pipe with all items from now on for which `wants` is true.

        One that `is_first` gets each item before the readers there are. The bus forgets it when it
        is cancelled or dropped. After `close` it has ended.
        """
        pipe = Pipe(
            capacity=capacity, overflow=overflow, key=key, notice=notice, on_cancel=self._forget
        )
        if self._is_closed:
            pipe.close(self._error)
        else:
            reader = (wants, ref(pipe, self._forget_dead))
            self._readers = (reader, *self._readers) if is_first else (*self._readers, reader)
            self.is_read = True
        return pipe

    def put(self, item: T) -> None:
        """Publish an item; never waits."""
        self.published += 1
        for wants, reader in self._readers:
            if wants is None or wants(item):
                pipe = reader()
                if pipe is not None:
                    pipe.put(item)

    def put_all(self, items: Sequence[T]) -> None:
        """Publish items in their order; each reader is woken once for all."""
        self.published += len(items)
        for wants, reader in self._readers:
            wanted = items if wants is None else [item for item in items if wants(item)]
            pipe = reader()
            if pipe is not None and wanted:
                pipe.put_all(wanted)

    def close(self, error: FluxumError | None = None) -> None:
        """End every pipe, with an error if there is one; only the first call counts."""
        if self._is_closed:
            return
        self._is_closed = True
        self._error = error
        for pipe in self.pipes:
            pipe.close(error)

    @property
    def pipes(self) -> tuple[Pipe[T], ...]:
        """The pipes of all present readers."""
        held = (reader() for _, reader in self._readers)
        return tuple(pipe for pipe in held if pipe is not None)

    def statistics(self) -> BusStatistics:
        """What was published, and what became of it at each reader."""
        return BusStatistics(
            published=self.published,
            pipes=tuple(pipe.statistics() for pipe in self.pipes),
            departed=self._departed,
        )

    def _forget(self, gone: Pipe[T]) -> None:
        self._departed += gone.statistics()
        self._keep(lambda reader: reader() is not gone)

    def _forget_dead(self, gone: "ref[Pipe[T]]") -> None:
        self._keep(lambda reader: reader is not gone)

    def _keep(self, is_kept: Callable[["ref[Pipe[T]]"], bool]) -> None:
        self._readers = tuple(one for one in self._readers if is_kept(one[1]))
        self.is_read = bool(self._readers)
