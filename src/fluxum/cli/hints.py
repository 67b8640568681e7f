"""Suggestions for an unknown word: a typing error, or another spelling."""

from collections.abc import Iterable
from difflib import get_close_matches

from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol

__all__ = ["near", "near_symbol", "unexpected"]

_OTHER_NAMES = {"XBT": "BTC", "XDG": "DOGE", "BCC": "BCH"}
_QUOTES = ("USDT", "USDC", "USD", "EUR", "GBP", "JPY", "XBT", "BTC", "ETH")
_SYMBOLS_ALIKE = 0.8  # other coins of the same quote asset are less alike
_SEPARATORS = str.maketrans("-_.", "///")


def near(word: str, known: Iterable[str], alike: float = 0.6) -> str:
    """`; did you mean 'trade'?`, or "" if no known word is at least `alike`."""
    spelled = {one.lower(): one for one in known if one != word}
    found = get_close_matches(word.lower(), spelled, n=1, cutoff=alike)
    return f"; did you mean {spelled[found[0]]!r}?" if found else ""


def near_symbol(text: str, known: Iterable[Symbol] = ()) -> str:
    """The symbol for another spelling, or a similar well-known one, as a hint."""
    meant = _spelled(text)
    if meant is None or meant == text:
        return near(text, known, _SYMBOLS_ALIKE)
    return f"; did you mean {meant!r}?"


def unexpected(words: Iterable[str], options: Iterable[str], exchanges: Iterable[str]) -> str:
    """The error for words that a command does not take, with the option that each may belong to."""
    texts: list[str] = []
    for word in words:
        option = "--exchange" if word in exchanges else "--symbol" if _spelled(word) else ""
        meant = _spelled(word) if option == "--symbol" else word
        hint = f"; did you mean {option} {meant}?" if option in options else ""
        texts.append(f"{word!r} was not expected{hint}")
    return "\n".join(texts)


def _spelled(text: str) -> str | None:
    """`BTC/USD` from `btcusd`, `XBT-USD`, `btc_usd`; `None` if the text is no pair."""
    word, colon, contract = text.strip().partition(":")
    word = word.upper().translate(_SEPARATORS)
    base, slash, quote = word.partition("/")
    if not slash:
        quote = next((one for one in _QUOTES if word.endswith(one) and word != one), "")
        base = word.removesuffix(quote)
    symbol = f"{_OTHER_NAMES.get(base, base)}/{_OTHER_NAMES.get(quote, quote)}{colon}{contract}"
    try:
        return str(Symbol(symbol))
    except BadInput:
        return None
