"""Background work: it ends with its block, and one plain error comes out."""

import asyncio
import traceback

import pytest

from asyncs import run, settle
from fluxum.errors import BadInput, LinkClosed
from fluxum.flow.background import background


async def for_ever(log: list[str] | None = None) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        if log is not None:
            log.append("cleaned up")


async def fail(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


async def fail_when_cancelled(error: BaseException) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise error


async def clean_up_slowly(gate: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await gate.wait()


def cancels() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


def test_work_runs_for_the_length_of_the_block_and_no_longer() -> None:
    async def scenario() -> None:
        log: list[str] = []
        async with background(for_ever(log)) as work:
            started = work.start(for_ever(log), name="second")
            await settle()
            assert log == []
            assert started.get_name() == "second"
        assert log == ["cleaned up", "cleaned up"]
        assert started.cancelled()
        assert cancels() == 0

    run(scenario())


def test_work_that_ends_early_disturbs_nobody() -> None:
    async def scenario() -> int:
        async def seven() -> int:
            return 7

        async with background() as work:
            task = work.start(seven())
            await settle()
            return await task

    assert run(scenario()) == 7


def test_a_task_may_be_cancelled_by_hand() -> None:
    async def scenario() -> None:
        async with background() as work:
            task = work.start(for_ever())
            await settle()
            task.cancel()
            await settle()
            assert task.cancelled()

    run(scenario())


def test_nothing_starts_after_the_block() -> None:
    async def scenario() -> None:
        async with background() as work:
            pass
        with pytest.raises(BadInput, match="'late'"):
            work.start(for_ever(), name="late")

    run(scenario())


def test_an_error_in_the_background_ends_the_block_and_comes_out_plain() -> None:
    async def scenario() -> None:
        error = LinkClosed("gone")
        log: list[str] = []
        with pytest.raises(LinkClosed) as caught:
            async with background(fail(error), for_ever(log)):
                await asyncio.Event().wait()
        assert caught.value is error
        assert error.__context__ is None
        assert log == ["cleaned up"]
        assert cancels() == 0
        await settle()  # no stray cancellation is left behind

    run(scenario())


def test_the_blocks_own_error_comes_back_as_the_same_object() -> None:
    async def scenario() -> None:
        error = KeyError("mine")
        with pytest.raises(KeyError) as caught:
            async with background(for_ever()):
                raise error
        assert caught.value is error
        assert error.__context__ is None
        assert not hasattr(error, "__notes__")
        places = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert places == ["scenario"]

    run(scenario())


def test_the_blocks_own_error_comes_before_the_others() -> None:
    async def scenario() -> None:
        error = KeyError("mine")

        async def block() -> None:
            async with background(fail_when_cancelled(LinkClosed("gone"))):
                await settle()
                raise error

        with pytest.raises(KeyError) as caught:
            await block()
        assert caught.value is error
        assert error.__notes__ == ["meanwhile, in the background: LinkClosed('gone')"]

    run(scenario())


def test_one_error_of_several_comes_out_with_notes_of_the_others() -> None:
    async def scenario() -> None:
        first = LinkClosed("first")
        with pytest.raises(LinkClosed) as caught:
            async with background(fail(first), fail_when_cancelled(ValueError("second"))):
                await asyncio.Event().wait()
        assert caught.value is first
        assert first.__notes__ == ["meanwhile, in the background: ValueError('second')"]

    run(scenario())


def test_an_error_while_the_work_is_cleaned_up_comes_out() -> None:
    async def scenario() -> None:
        with pytest.raises(LinkClosed, match="gone"):
            async with background(fail_when_cancelled(LinkClosed("gone"))):
                await settle()
        assert cancels() == 0

    run(scenario())


def test_nested_blocks_add_no_wrapping() -> None:
    async def inner(error: Exception) -> None:
        async with background(fail(error)):
            await asyncio.Event().wait()

    async def scenario() -> None:
        error = LinkClosed("deep")
        with pytest.raises(LinkClosed) as caught:
            async with background(inner(error)), background(for_ever()):
                await asyncio.Event().wait()
        assert caught.value is error
        assert cancels() == 0

    run(scenario())


def test_groups_of_others_are_unwrapped() -> None:
    deep = LinkClosed("deep")

    def group() -> Exception:
        return ExceptionGroup("outer", [ExceptionGroup("inner", [deep]), ValueError("wide")])

    async def scenario() -> None:
        with pytest.raises(LinkClosed) as caught:
            async with background(fail(group())):
                await asyncio.Event().wait()
        assert caught.value is deep
        with pytest.raises(LinkClosed) as caught:
            async with background():
                raise group()
        assert caught.value is deep
        assert "ValueError('wide')" in deep.__notes__[0]

    run(scenario())


def test_an_error_seen_by_the_block_is_not_told_twice() -> None:
    async def scenario() -> None:
        error = LinkClosed("gone")
        with pytest.raises(LinkClosed) as caught:
            async with background() as work:
                await work.start(fail(error))
        assert caught.value is error
        assert not hasattr(error, "__notes__")

    run(scenario())


def test_a_cancellation_from_outside_goes_through() -> None:
    async def scenario() -> None:
        log: list[str] = []

        async def block() -> None:
            async with background(for_ever(log)):
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(block())
            await settle()
            task.cancel()
        assert task.cancelled()
        assert log == ["cleaned up"]

    run(scenario())


def test_a_cancellation_comes_before_what_failed_because_of_it() -> None:
    async def scenario() -> None:
        async def block() -> None:
            async with background(fail_when_cancelled(LinkClosed("gone"))):
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(block())
            await settle()
            task.cancel()
        assert task.cancelled()

    run(scenario())


@pytest.mark.parametrize("error", [None, KeyError("mine")])
def test_a_cancellation_during_the_cleaning_up_is_not_lost(error: Exception | None) -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def block() -> None:
            async with background(clean_up_slowly(gate)):
                await settle()
                if error is not None:
                    raise error

        async with asyncio.TaskGroup() as group:
            task = group.create_task(block())
            for _ in range(3):
                await settle()
            task.cancel()
            await settle()
            gate.set()
        assert task.cancelled()

    run(scenario())


def test_a_timeout_around_the_block_is_a_timeout() -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), background(for_ever(), fail_when_cancelled(OSError())):
                await asyncio.Event().wait()
        assert cancels() == 0
        await settle()

    run(scenario())


def test_a_cancellation_the_block_made_itself_is_its_own_error() -> None:
    async def scenario() -> None:
        with pytest.raises(asyncio.CancelledError):
            async with background(for_ever()):
                raise asyncio.CancelledError
        assert cancels() == 0

    run(scenario())


def test_an_error_in_the_blocks_own_cleaning_up_comes_first() -> None:
    async def scenario() -> None:
        async def block() -> None:
            async with background(fail(LinkClosed("gone"))):
                await fail_when_cancelled(ValueError("mine"))

        with pytest.raises(ValueError, match="mine") as caught:
            await block()
        assert caught.value.__notes__ == ["meanwhile, in the background: LinkClosed('gone')"]
        assert cancels() == 0

    run(scenario())


def test_leaving_the_program_is_not_held_up() -> None:
    async def scenario() -> None:
        with pytest.raises(SystemExit):
            async with background(for_ever()):
                raise SystemExit

    run(scenario())
