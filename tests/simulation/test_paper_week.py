"""An hour of the week on paper; the whole of it is run by name."""

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
