"""Messages from and to a page, as JSON."""

import json

import pytest

from fluxum.web.messages import PageRequest, bye, parse_request
from fluxum.web.stage import Steer


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"show":["a BTC/USD"]}', PageRequest(show=("a BTC/USD",))),
        (
            '{"replay":{"play":false,"speed":5,"seek":0.5}}',
            PageRequest(replay=Steer(play=False, speed=5.0, seek=0.5)),
        ),
        ("{}", PageRequest()),
        ("", None),
        ("[]", None),
        ('{"order":{"side":"buy"}}', None),
        ('{"replay":{"seek":"0"}}', None),
        ('{"show":"a BTC/USD"}', None),
        ("[" * 5000, None),
    ],
)
def test_a_page_can_request_little(text: str, wanted: PageRequest | None) -> None:
    assert parse_request(text) == wanted


def test_a_goodbye_is_json_whatever_its_reason() -> None:
    assert json.loads(bye('"</script>')) == {"kind": "bye", "reason": '"</script>'}
