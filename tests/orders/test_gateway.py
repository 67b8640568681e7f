"""Whoever keeps an account is a gateway, by its type."""

from fluxum.orders.gateway import AccountGateway
from fluxum.session.account import Account
from orders.gateways import FakeGateway


def as_gateway(account: Account | FakeGateway) -> AccountGateway:
    """Checked by the type checkers: both have all a desk asks for, with the same types."""
    return account


def test_an_account_has_everything_a_desk_asks_for() -> None:
    asked = {name for name in vars(AccountGateway) if not name.startswith("_")}

    assert asked == {
        "account_events",
        "book",
        "closed_orders",
        "command",
        "find_order",
        "instrument",
        "is_following",
        "now_ns",
        "open_orders",
        "venue_now_ns",
    }
    of_its_session = {"book", "instrument"}  # it has these from then on
    assert asked <= set(dir(Account)) | of_its_session
