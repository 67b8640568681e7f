"""Kraken's REST half for the simulator: public calls, and signed ones about an account.

https://docs.kraken.com/api/docs/guides/spot-rest-auth and /spot-rest-ratelimits. A signed call is
checked for its key, its signature, a nonce that grows, and the counter of the key's tier; then it
is answered by the page of the call. A refusal comes with HTTP 200.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instrument import Asset, Symbol
from fluxum.venues.kraken.private.signing import api_sign
from fluxum.venues.kraken.server.counters import count_call
from fluxum.venues.kraken.server.formats import plain
from fluxum.venues.kraken.server.history import History
from fluxum.venues.kraken.server.legacy import asset_name, pair_name
from fluxum.venues.kraken.server.public_rest import PublicCalls
from fluxum.venues.kraken.server.rest_forms import Form, read_form
from fluxum.venues.kraken.server.rest_orders import RestTrading
from fluxum.venues.server.access import Nonces, account_of, check_signature, lowered
from fluxum.venues.server.accounts import Account, OrderFault
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.venue import Fetch

__all__ = ["KrakenRest"]

_HEADERS = {"Content-Type": "application/json"}
_TOKEN_VALID_S = 900
_COSTLY = frozenset({"Ledgers", "QueryLedgers", "TradesHistory", "QueryTrades"})
_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Envelope(Struct, omit_defaults=True):
    """`{"error":["EAPI:Invalid nonce"]}`, or no error and a result."""

    error: Sequence[str]
    result: object = None


class KrakenRest:
    """The REST half of a simulated Kraken; see RestServer."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._public = PublicCalls(view)
        self._trading = RestTrading(view, self._public)
        self._history = History(view)
        self._nonces = Nonces()
        self._private: Mapping[str, Callable[[Account, Form, int], object]] = {
            "GetWebSocketsToken": self._token,
            "Balance": self._balance,
            "BalanceEx": self._holdings,
            "TradeBalance": self._equity,
            "TradeVolume": self._volume,
            "OpenPositions": lambda _account, _form, _now_ns: {},  # nothing is lent here
            **self._history.calls,
        }

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call, sensible or not."""
        path, _, query = call.path.partition("?")
        _, version, kind, name = (*path.split("/", 3), "", "", "")[:4]
        if version != "0" or kind not in {"public", "private"}:
            return Answer(404, b"not found")
        try:
            if kind == "public":
                result = self._ask(name, dict(parse_qsl(query)), call.body, now_ns)
            else:
                result = self._obey(name, path, call, now_ns)
        except VenueRefused as refused:
            return Answer(200, _encode(_Envelope((str(refused),))), _HEADERS)
        return Answer(200, _encode(_Envelope((), result)), _HEADERS)

    def _ask(self, name: str, query: Form, body: bytes, now_ns: int) -> object:
        known = self._public.calls.get(name)
        if known is None:
            raise VenueRefused("EGeneral:Unknown method", "EGeneral")
        return known({**query, **(read_form(body) if body else {})}, now_ns)

    def _obey(self, name: str, path: str, call: Fetch, now_ns: int) -> object:
        form = read_form(call.body)
        account = self._admit(path, call, form)
        if self._view.accounts.roll_fault(OrderFault.LIMITED):
            raise VenueRefused("EAPI:Rate limit exceeded", "EAPI")
        trade = self._trading.calls.get(name)
        if trade is not None:  # which has a counter of its own
            return trade(account, form, now_ns)
        known = self._private.get(name)
        if known is None:
            raise VenueRefused("EGeneral:Unknown method", "EGeneral")
        count_call(account, 2 if name in _COSTLY else 1, now_ns)
        return known(account, form, now_ns)

    def _admit(self, path: str, call: Fetch, form: Form) -> Account:
        """The account that signed a call: key, signature, nonce, in this order."""
        headers, unknown = lowered(call.headers), VenueRefused("EAPI:Invalid key", "EAPI")
        account = account_of(self._view.accounts, headers.get("api-key", ""), unknown)
        nonce = form.get("nonce", "")
        try:
            wanted = api_sign(path, nonce, call.body, account.secret)
        except BadInput as error:
            raise unknown from error
        refused = VenueRefused("EAPI:Invalid signature", "EAPI")
        check_signature(wanted, headers.get("api-sign", ""), refused)
        self._nonces.check(account, nonce, VenueRefused("EAPI:Invalid nonce", "EAPI"))
        return account

    def _token(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        token = self._view.accounts.issue_token(account, now_ns, _TOKEN_VALID_S)
        return {"token": token, "expires": _TOKEN_VALID_S}

    def _balance(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        return {asset_name(one.asset): f"{one.total:f}" for one in account.balances()}

    def _holdings(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        return {
            asset_name(one.asset): {
                "balance": f"{one.total:f}",
                "hold_trade": self._amount(one.asset, one.held or Decimal(0)),
            }
            for one in account.balances()
        }

    def _amount(self, asset: Asset, amount: Decimal) -> str:
        return plain(amount, self._view.accounts.decimals(asset)).decode()

    def _equity(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        """What all is worth in dollars, as far as there is a market for it."""
        worth = Decimal(0)
        listed = {one.symbol for one in self._view.instruments()}
        for one in account.balances():
            market = f"{one.asset}/USD"
            if one.asset == "USD":
                worth += one.total
            elif market in listed:
                worth += one.total * (self._view.accounts.last_price(Symbol(market)) or 0)
        text = f"{worth:.4f}"
        zero = "0.0000"
        return {
            "eb": text,
            "tb": text,
            "m": zero,
            "uv": zero,
            "n": zero,
            "c": zero,
            "v": zero,
            "e": text,
            "mf": text,
        }

    def _volume(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        names = [one for one in form.get("pair", "").split(",") if one]
        found = [self._public.find(one.strip()) for one in names]
        maker, taker = account.rates
        traded = sum((one.cost for one in account.trades), Decimal(0))
        result: dict[str, object] = {"currency": "ZUSD", "volume": f"{traded:.4f}"}
        if found:
            result["fees"] = {pair_name(one.symbol): _fee(taker) for one in found}
            result["fees_maker"] = {pair_name(one.symbol): _fee(maker) for one in found}
        return result


def _fee(rate: Decimal) -> object:
    text = f"{rate * 100:.4f}"
    return {
        "fee": text,
        "minfee": text,
        "maxfee": text,
        "nextfee": None,
        "nextvolume": None,
        "tiervolume": "0.0000",
    }
