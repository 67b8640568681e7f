"""Messages from and to a page, as JSON."""

import json

import pytest

from fluxum.web.messages import Wish, bye, parse_wish
from fluxum.web.stage import Steer


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ('{"show":["a BTC/USD"]}', Wish(show=("a BTC/USD",))),
        (
            '{"replay":{"play":false,"speed":5,"seek":0.5}}',
            Wish(replay=Steer(play=False, speed=5.0, seek=0.5)),
        ),
        ("{}", Wish()),
        ("", None),
        ("[]", None),
        ('{"order":{"side":"buy"}}', None),
        ('{"replay":{"seek":"0"}}', None),
        ('{"show":"a BTC/USD"}', None),
        ("[" * 5000, None),
    ],
)
def test_a_page_can_wish_for_little(text: str, wish: Wish | None) -> None:
    assert parse_wish(text) == wish


def test_a_goodbye_is_json_whatever_its_reason() -> None:
    assert json.loads(bye('"</script>')) == {"kind": "bye", "reason": '"</script>'}
