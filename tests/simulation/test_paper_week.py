"""Hours of the week on paper; the whole of it is run by name."""

from paper_week import Week

from fluxum.sim.loop import run


def test_an_account_on_paper_closes_to_the_last_unit_every_hour() -> None:
    hours = run(Week(seed=3, rate=0.5).run(1))

    assert [one.at_h for one in hours] == [1]
    assert hours[-1].fills > 20
    assert hours[-1].orders > 100
    assert [(one.differences, one.uncertain, one.sums_close) for one in hours] == [
        (0, 0, True),
    ]


def test_it_closes_when_every_store_is_full() -> None:
    (hour,) = run(Week(seed=3, rate=0.5, keep=40).run(1))

    # Of those that were tried, some were refused before they were orders, and some are open.
    assert hour.orders - hour.refused - 10 - 40 <= hour.forgotten <= hour.orders - 40
    assert hour.fills > 40
    assert (hour.differences, hour.uncertain, hour.sums_close) == (0, 0, True)
