"""REST's forms as the simulated venue reads them: names and values in, commands out.

https://docs.kraken.com/api/docs/rest-api/add-order and the pages beside it. Prices may be
distances there: `+5.0`, `-2%`, `#1.5` (whichever sign suits). What cannot be read is a
VenueRefused with the venue's text.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec
from msgspec import MsgspecError, Raw

from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    CloseOrder,
    Edit,
    FeeAsset,
    OrderRequest,
    OrderType,
    PriceKind,
    SelfTrade,
    TimeInForce,
    Trigger,
    TriggerReference,
)
from fluxum.venues.kraken.private.words import ORDER_TYPES, REFERENCES
from fluxum.venues.kraken.server.requests import read_name

__all__ = [
    "Form",
    "read_amend",
    "read_deadline",
    "read_edit",
    "read_form",
    "read_instant",
    "read_order",
]

Form = Mapping[str, str]

_NANOS = 1_000_000_000
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,20})?|\.\d{1,20}")
_PRICE = re.compile(r"(?P<sign>[-+#]?)(?P<number>\d{1,20}(\.\d{1,20})?)(?P<percent>%?)")
_REFERENCES = {word: one for one, word in REFERENCES.items()}
_IN_FORCE = {one.value.upper(): one for one in TimeInForce}
_SELF_TRADES = {one.value.replace("_", "-"): one for one in SelfTrade}
_decode = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


def read_form(body: bytes) -> Form:
    """The names and values of a body, be it a form or JSON; raises VenueRefused."""
    if not body.lstrip().startswith(b"{"):
        return _urlencoded(body)
    try:
        return {name: _scalar(bytes(raw)) for name, raw in _decode(body).items()}
    except (MsgspecError, UnicodeDecodeError) as error:
        raise VenueRefused("EAPI:Bad request", "EAPI") from error


def read_order(form: Form, symbol: Symbol) -> OrderRequest:
    """An order of `AddOrder`."""
    kind = ORDER_TYPES.by_word.get(form.get("ordertype", ""))
    if kind is None:
        raise _invalid("ordertype")
    flags = {flag for flag in form.get("oflags", "").split(",") if flag}
    if flags - {"post", "fcib", "fciq", "viqc", "nompp"}:
        raise _invalid("oflags")
    limit, trigger = _prices(form, kind)
    in_force = _IN_FORCE.get(form.get("timeinforce", "GTC").upper())
    if in_force is None:
        raise _invalid("timeinforce")
    volume = _quantity(form, "volume")
    name, reference = form.get("cl_ord_id", ""), _reference(form)
    if name:
        read_name(name)
        if reference is not None or "close[ordertype]" in form:
            raise _invalid("cl_ord_id")
    stp = form.get("stptype", "cancel-newest")
    if stp not in _SELF_TRADES:
        raise _invalid("stptype")
    return OrderRequest(
        symbol=symbol,
        side=_side(form),
        order_type=kind,
        quantity=None if "viqc" in flags else volume,
        quote_quantity=volume if "viqc" in flags else None,
        limit_price=None if limit is None else limit[0],
        limit_price_kind=None if limit is None else limit[1],
        trigger=trigger,
        time_in_force=in_force,
        effective_ns=read_instant(form, "starttm"),
        expires_ns=read_instant(form, "expiretm"),
        post_only="post" in flags,
        reduce_only=form.get("reduce_only") == "true",
        margin=form.get("leverage", "none") not in {"none", ""},
        display_quantity=_quantity(form, "displayvol"),
        fee_asset=_fee_asset(flags),
        self_trade=_SELF_TRADES[stp],
        close=_close(form),
        client_order_id=name,
        user_reference=reference,
    )


def read_amend(form: Form) -> Amend:
    """`AmendOrder`."""
    limit, trigger = _distance(form, "limit_price"), _distance(form, "trigger_price")
    order_id, name = form.get("txid", ""), form.get("cl_ord_id", "")
    if bool(order_id) == bool(name):
        raise _invalid("txid")
    command = Amend(
        order_id=order_id,
        client_order_id=name,
        quantity=_quantity(form, "order_qty"),
        display_quantity=_quantity(form, "display_qty"),
        limit_price=None if limit is None else limit[0],
        limit_price_kind=None if limit is None else limit[1],
        trigger_price=None if trigger is None else trigger[0],
        trigger_price_kind=None if trigger is None else trigger[1],
        post_only=None if "post_only" not in form else form["post_only"] == "true",
        deadline_ns=read_deadline(form),
    )
    changes = (command.quantity, command.display_quantity, limit, trigger)
    if all(change is None for change in changes):
        raise _invalid("order_qty")
    return command


def read_edit(form: Form, symbol: Symbol, kind: OrderType) -> Edit:
    """`EditOrder`, of an order of a known type."""
    limit, trigger = _prices(form, kind)
    flags = {flag for flag in form.get("oflags", "").split(",") if flag}
    return Edit(
        order_id=form.get("txid", ""),
        symbol=symbol,
        quantity=_quantity(form, "volume"),
        limit_price=None if limit is None else limit[0],
        trigger=trigger,
        display_quantity=_quantity(form, "displayvol"),
        post_only=True if "post" in flags else None,
        user_reference=_reference(form),
        deadline_ns=read_deadline(form),
        validate=form.get("validate") == "true",
    )


def read_deadline(form: Form) -> int | None:
    """The time after which a command is too late."""
    text = form.get("deadline")
    try:
        return None if not text else parse_rfc3339(text)
    except BadInput as error:
        raise _invalid("deadline") from error


def read_instant(form: Form, name: str) -> int | None:
    """A time in seconds; zero and nothing are none."""
    text = form.get(name, "0")
    if text in {"", "0"}:
        return None
    if not _NUMBER.fullmatch(text) or len(text.partition(".")[0]) > 11:
        raise _invalid(name)
    return int(Decimal(text) * _NANOS)


def _urlencoded(body: bytes) -> Form:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _scalar(raw: bytes) -> str:
    """A value of JSON as a form would have it: numbers keep their text."""
    return _decode_text(raw) if raw.startswith(b'"') else raw.decode()


def _prices(
    form: Form, kind: OrderType
) -> tuple[tuple[Decimal, PriceKind | None] | None, Trigger | None]:
    """The limit and the trigger: of triggered orders `price2` and `price`."""
    if not kind.is_triggered:
        return _distance(form, "price") if kind.has_limit else None, None
    price = _distance(form, "price")
    if price is None:
        return None, None
    reference = _REFERENCES.get(form.get("trigger", "last"))
    if reference is None:
        raise _invalid("trigger")
    trigger = Trigger(price[0], price[1] or PriceKind.STATIC, reference)
    if reference is TriggerReference.INDEX:
        raise VenueRefused("EGeneral:Invalid arguments:Index unavailable", "EGeneral")
    return _distance(form, "price2") if kind.has_limit else None, trigger


def _distance(form: Form, name: str) -> tuple[Decimal, PriceKind | None] | None:
    """A price, and how it is one: none means as it stands."""
    text = form.get(name, "")
    if not text or text == "0":
        return None
    found = _PRICE.fullmatch(text)
    if found is None:
        raise VenueRefused("EOrder:Invalid price", "EOrder")
    number = Decimal(found["number"])
    if found["sign"] == "-":
        number = -number
    if found["percent"]:
        return number, PriceKind.PERCENT
    return number, PriceKind.QUOTE if found["sign"] else None


def _close(form: Form) -> CloseOrder | None:
    word = form.get("close[ordertype]")
    if word is None:
        return None
    kind = ORDER_TYPES.by_word.get(word)
    if kind is None:
        raise _invalid("close[ordertype]")
    inner = {
        name: form[f"close[{name}]"] for name in ("price", "price2") if f"close[{name}]" in form
    }
    limit, trigger = _prices(inner, kind)
    return CloseOrder(
        order_type=kind,
        limit_price=None if limit is None else limit[0],
        limit_price_kind=None if limit is None else limit[1],
        trigger_price=None if trigger is None else trigger.price,
        trigger_price_kind=None if trigger is None else trigger.kind,
    )


def _side(form: Form) -> Side:
    try:
        return Side(form.get("type", ""))
    except ValueError as error:
        raise _invalid("type") from error


def _fee_asset(flags: set[str]) -> FeeAsset | None:
    if "fcib" in flags:
        return FeeAsset.BASE
    return FeeAsset.QUOTE if "fciq" in flags else None


def _quantity(form: Form, name: str) -> Decimal | None:
    text = form.get(name)
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise _invalid(name)
    return Decimal(text)


def _reference(form: Form) -> int | None:
    text = form.get("userref")
    if text is None or text == "":
        return None
    if not re.fullmatch(r"-?\d{1,10}", text):
        raise _invalid("userref")
    return int(text)


def _invalid(name: str) -> VenueRefused:
    return VenueRefused(f"EGeneral:Invalid arguments:{name}", "EGeneral")
