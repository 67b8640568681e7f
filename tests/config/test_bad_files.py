"""Configurations that are refused: the fault names file, line, setting, and what was expected."""

from pathlib import Path

import pytest

from fluxum.config.config import load_config
from fluxum.errors import ConfigError

SECRET = "c2VjcmV0LW9mLW1pbmU"
VENUE = "[venue.kraken]\n"
LINK = "[venue.kraken.link]\n"
BACKOFF = "[venue.kraken.backoff]\n"
ACCOUNT = '[account.main]\nvenue = "kraken"\n'
SINK = "[sink.bus]\nurl = 'nats://h'\n"
RISK = ACCOUNT + "[account.main.risk]\n"

BAD: list[tuple[str, list[str]]] = [
    # Names that mean nothing, with the nearest that does
    ("[nettwork]\n", ["nettwork: unknown setting", "network"]),
    ("[network]\nproxi = 1\n", [":2: network.proxi: unknown setting, was 1", "network.proxy?"]),
    ("[bot]\nport = 1\n", [":2: bot: this part has no settings, so the table would do"]),
    (
        "[metrics]\nport = 65536\n",
        [":2: metrics.port: a port from 0 to 65535 was expected"],
    ),
    ("[hub]\nquorum = 1\n", [":2: hub.quorum: at most 0 was expected", "(none), was 1"]),
    ("[hub]\nvenues = ['okx']\n", [":2: hub.venues: okx has no symbols: set venue.okx.symbols"]),
    (
        "[hub]\nvenues = ['okx']\nsymbols = ['BTC/USDT']\nfailover = {'BTC/USDT' = ['kraken']}\n",
        [":4: hub.failover.BTC/USDT: an exchange of the hub was expected (okx), was 'kraken'"],
    ),
    ("depth = 10\n", [":1: depth: unknown setting, was 10", "mean venue.NAME.depth?"]),
    (LINK + "ping_intervall_s = 20\n", [":2: ", "was 20; did you mean", "link.ping_interval_s?"]),
    (VENUE + "ping_interval_s = 20\n", ["did you mean venue.kraken.link.ping_interval_s?"]),
    (VENUE + "simbols = []\n", [":2: ", "did you mean venue.kraken.symbols?"]),
    (VENUE + "zzz = 1\n", [":2: venue.kraken.zzz: unknown setting", "known: symbols, channels"]),
    (VENUE + "[venue.kraken.zzz]\na = 1\n", [":3: venue.kraken.zzz: unknown setting"]),
    ("[venue.krakn]\ndepth = 10\n", [":2: venue.krakn: an exchange", "did you mean kraken?"]),
    ("[account.main]\nvenue = 'krakn'\n", [":2: account.main.venue: an exchange", "mean kraken?"]),
    (RISK + "notional = 5\n", [":4: ", "did you mean account.main.risk.notional_max?"]),
    ("[reader]\ncapcity = 5\n", [":2: ", "did you mean reader.capacity?"]),
    # Names of the documents, with ours
    (VENUE + "reconnect_delay = 1.0\n", ["did you mean venue.kraken.backoff.first_s?"]),
    (VENUE + "max_reconnect_attempts = 10\n", ["did you mean venue.kraken.backoff.attempts_max?"]),
    (VENUE + "heartbeat_timeout = 60\n", ["did you mean venue.kraken.link.silence_s?"]),
    (VENUE + "subscription_rate_limit = 5\n", ["did you mean venue.kraken.requests.per_s?"]),
    (VENUE + "connection_timeout = 30\n", ["did you mean venue.kraken.link.connect_timeout_s?"]),
    (ACCOUNT + "token_refresh_interval = 780\n", ["did you mean account.main.token.renew_s?"]),
    ("message_queue_size = 10000\n", ["did you mean reader.capacity?"]),
    (BACKOFF + "jitterFactor = 0.1\n", ["did you mean venue.kraken.backoff.jitter?"]),
    # Types
    (VENUE + "depth = '10'\n", [":2: ", "depth: a whole number of at least 1", "was '10'"]),
    (VENUE + "depth = 10.5\n", ["depth: a whole number of at least 1 was expected, was 10.5"]),
    (VENUE + "depth = true\n", ["depth: a whole number of at least 1 was expected, was True"]),
    (VENUE + "symbols = 'BTC/USD'\n", ["symbols: a tuple was expected, was 'BTC/USD'"]),
    (VENUE + "symbols = ['BTCUSD']\n", [":2: venue.kraken.symbols: ", "was 'BTCUSD'"]),
    (VENUE + "channels = ['trdes']\n", [":2: venue.kraken.channels: ", "was 'trdes'"]),
    (VENUE + "interval = '5x'\n", ["venue.kraken.interval: an interval", "was '5x'"]),
    (LINK + "silence_s = 'long'\n", ["silence_s: seconds above 0 was expected, was 'long'"]),
    (LINK + "data_silence_s = 60\n", ["data_silence_s: a mapping was expected, was"]),
    ("venue = 'kraken'\n", [":1: venue: a table was expected, was 'kraken'"]),
    ("[venue]\nkraken = 5\n", [":2: venue.kraken: a table was expected, was 5"]),
    ("reader = 5\n", [":1: reader: a table was expected, was 5"]),
    ("profile = 'live'\n", [":1: profile: a table was expected"]),
    ("[profile]\nlive = 1\n", [":2: profile.live: a table was expected"]),
    # Impossible values
    (LINK + "silence_s = 0\n", ["silence_s: seconds above 0 was expected, was 0"]),
    (LINK + "silence_s = nan\n", ["silence_s: seconds above 0 was expected, was NaN"]),
    (LINK + "close_timeout_s = -1\n", ["close_timeout_s: seconds above 0 was expected, was -1"]),
    (LINK + "ping_interval_s = inf\n", ["ping_interval_s: seconds above 0", "was Infinity"]),
    (LINK + "frame_bytes_max = '5XB'\n", ["a size like 500kB, 100MB or 2GiB", "was '5XB'"]),
    (LINK + "data_silence_s.ohcl = 5\n", [":2: ", "data_silence_s", "was 'ohcl'"]),
    (VENUE + "depth = 7\n", ["kraken book depth can be 10, 25, 100, 500, 1000; was 7"]),
    (VENUE + "interval = '7m'\n", ["interval: kraken interval in seconds can be", "was 420"]),
    ("[venue.gemini]\nchannels = ['candle']\n", ["channels: gemini offers", "was 'candle'"]),
    (BACKOFF + "floor_s = 1\n", [":2: ", "floor_s: at least 5 was expected, the venue's own", "1"]),
    (BACKOFF + "multiplier = 0.5\n", ["multiplier: a number of at least 1", "was 0.5"]),
    (BACKOFF + "jitter = 2\n", ["jitter: a number from 0 to 1 was expected, was 2"]),
    (BACKOFF + "attempts_max = 0\n", ["attempts_max: a whole number of at least 1", "was 0"]),
    (BACKOFF + "ceiling_s = 7\n", ["floor_s <= first_s <= ceiling_s", "was 5, 10, 7"]),
    (VENUE + "attempts.max = 500\n", ["attempts.max: at most 120 was expected", "was 500"]),
    (VENUE + "attempts.window_s = 60\n", ["attempts.window_s: at least 600 was expected"]),
    (VENUE + "maintenance_delay_s = 0\n", ["maintenance_delay_s: at least 5 was expected"]),
    (VENUE + "breaker.failures = 0\n", ["breaker.failures: a whole number of at least 1"]),
    (VENUE + "endpoint = 'http://x'\n", ["endpoint: a ws:// or wss:// URL was expected"]),
    (VENUE + "endpoint = 'ws://h:0'\n", ["endpoint: a ws:// or wss:// URL", "was 'ws://h:0'"]),
    (VENUE + "endpoints.publik = 'wss://h'\n", [":2: ", "one of public, private", "'publik'"]),
    (VENUE + "endpoints.public = 'h'\n", ["endpoints of public: a wss:// or https:// URL", "'h'"]),
    (VENUE + "account = 'main'\n", ["an account at kraken was expected (configured: none)"]),
    ("[network]\nproxy = 'socks5://h'\n", ["network.proxy: a proxy like http://", "'socks5://h'"]),
    ("[network]\ntls_min = '1.1'\n", ["tls_min: one of 1.2, 1.3 was expected, was '1.1'"]),
    ("[reader]\noverflow = 'block'\n", ["one of drop_oldest, conflate, raise", "was 'block'"]),
    ("[log]\nlevel = 'loud'\n", ["log.level: one of debug, info", "was 'loud'"]),
    ("[log]\nfile = ''\n", ["log.file: a path was expected, was ''"]),
    ("[record]\nrotate_s = '1y'\n", ["rotate_s: a time like 30s, 15m, 1h or 1d", "was '1y'"]),
    ("[account.main]\ntier = 'pro'\n", ["account.main.venue: the name of an exchange"]),
    ("[account.main]\nvenue = 'gemini-v2'\n", ["venue: accounts are supported at", "gemini-v2"]),
    (ACCOUNT + "tier = 'vip'\n", ["account.main.tier: one of starter", "was 'vip'"]),
    (RISK + "notional_max = -5\n", ["notional_max: a number above zero was expected, was -5"]),
    (RISK + "orders_max = 0\n", ["orders_max: a whole number of at least 1", "was 0"]),
    (RISK + "account_asset = 'USD'\n", [":4: ", "account_exposure_max and account_asset go"]),
    # Sinks
    ("[sink]\nport = 1\n", [":2: sink.port: a table was expected, was 1"]),
    (SINK + "bach_s = 1\n", [":3: sink.bus.bach_s: unknown setting", "mean sink.bus.batch_s?"]),
    ("[sink.bus]\nbatch_s = 1\n", [":2: sink.bus.url: the URL of an engine was expected"]),
    ("[sink.bus]\nurl = 'http://h'\n", [":2: sink.bus.url: a URL of an engine", "'http://h'"]),
    ("[sink.bus]\nurl = 'redis://[h'\n", [":2: sink.bus.url: a URL of an engine", "redis://[h"]),
    ("[sink.bus]\nurl = 'nats://h?name=-'\n", ["url: name=LETTERS_OR_DIGITS", "was '-'"]),
    (
        SINK + "[sink.two]\nurl = 'nats://h?name=fluxum'\n",
        [":4: sink.two.url: an engine of its own was expected, sink.bus writes there too"],
    ),
    (SINK + "streams = 'a/b'\n", [":3: sink.bus.streams: a tuple was expected, was 'a/b'"]),
    (SINK + "streams = ['a/b/c/d']\n", ["streams: a pattern of streams like", "was 'a/b/c/d'"]),
    (SINK + "streams = ['a//c']\n", ["streams: a pattern of streams like", "was 'a//c'"]),
    (SINK + "account = 1\n", [":3: sink.bus.account: true or false was expected, was 1"]),
    (SINK + "events_max = 1\n", ["bus.events_max: a whole number of at least 2", "was 1"]),
    (SINK + "bytes_max = '1XB'\n", ["bus.bytes_max: a size like", "was '1XB'"]),
    (SINK + "event_bytes_max = 0\n", ["bus.event_bytes_max: a size like", "was 0"]),
    (SINK + "batch_events = 0\n", ["bus.batch_events: a whole number of at least 1", "was 0"]),
    (SINK + "batch_bytes = -5\n", ["bus.batch_bytes: a size like", "was -5"]),
    (SINK + "batch_s = -1\n", ["bus.batch_s: seconds, 0 or more was expected, was -1"]),
    (SINK + "reader_capacity = 0\n", ["bus.reader_capacity: a whole number of at least 1"]),
    (SINK + "write_timeout_s = 0\n", ["bus.write_timeout_s: seconds above 0", "was 0"]),
    (SINK + "retry_first_s = 0\n", ["bus.retry_first_s: seconds above 0", "was 0"]),
    (SINK + "retry_ceiling_s = nan\n", ["bus.retry_ceiling_s: seconds above 0", "was NaN"]),
    (
        SINK + "retry_first_s = 9\n",
        [":3: sink.bus: retry_first_s <= retry_ceiling_s was expected, was 9, 5"],
    ),
    (SINK + "tally_s = 0\n", ["bus.tally_s: seconds above 0", "was 0"]),
    (SINK + "checkpoint_s = 'x'\n", ["bus.checkpoint_s: seconds above 0", "was 'x'"]),
    (SINK + "close_s = -1\n", ["bus.close_s: seconds, 0 or more", "was -1"]),
    # Secrets, which are not shown
    (
        f"[sink.bus]\nurl = 'nats://me:{SECRET}@h'\n",
        [":2: sink.bus.url: a URL without a password was expected: set FLUXUM__SINK__BUS__URL"],
    ),
    (f"[sink.bus]\nurl = 'nats://{SECRET}@h'\n", ["a URL without a password was expected"]),
    (f"[sink.bus]\nurl = 'postgres://h/d?password={SECRET}'\n", ["a URL without a password"]),
    (f"[sink.bus]\nurl = 'http://me:{SECRET}@h'\n", ["bus.url: a URL"]),
    (ACCOUNT + f"secret = '{SECRET}'\n", [":3: account.main.secret: a key is never written"]),
    (VENUE + f"api_key = '{SECRET}'\n", ["venue.kraken.api_key: a key is never", "fluxum setup"]),
    (ACCOUNT + f"keys = '{SECRET}'\n", ["account.main.keys: env, env:PREFIX", "not shown"]),
    (ACCOUNT + f"keys = 'env:{SECRET}=='\n", ["account.main.keys: env, env:PREFIX"]),
    (ACCOUNT + f"my_secret_key = '{SECRET}'\n", ["account.main.my_secret_key: unknown setting"]),
    ("[network]\n" + f"proxy = 'http://me:{SECRET}@h'\n", [":2: ", "URL without a password"]),
    (f"[network]\nprox = 'http://me:{SECRET}@h'\n", ["was ***; did you mean network.proxy?"]),
    # No TOML at all
    ("[venue\n", ["TOML was expected", "line 1"]),
    ("a = 1\na = 2\n", ["TOML was expected", "line 2"]),
]


@pytest.mark.parametrize(("text", "parts"), BAD, ids=range(len(BAD)))
def test_a_bad_file_is_refused_by_name(text: str, parts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load_config(path, environment={})

    (fault,) = caught.value.faults
    assert str(path) in fault or fault.startswith(tuple(parts))
    for part in parts:
        assert part in fault
    assert SECRET not in fault


def test_there_are_more_than_fifty() -> None:
    assert len(BAD) > 50


def test_every_fault_of_a_file_is_reported_in_its_order_those_of_other_profiles_too(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        VENUE + "depth = 7\nzzz = 1\n" + LINK + "silence_s = 0\n"
        "[profile.other.venue.okx]\nchannels = ['nothing']\n[profile.other.log]\nlevel = 'x'\n"
    )

    with pytest.raises(ConfigError) as caught:
        load_config(path, environment={})

    places = [fault.removeprefix(f"{path}:").partition(":")[0] for fault in caught.value.faults]
    assert places == ["2", "3", "5", "7", "9"]
    assert str(caught.value).count("\n") == 4


JSON: list[tuple[str, list[str]]] = [
    ('{"venue": {"kraken": {\n"depth": 7}}}', [":2: venue.kraken.depth: kraken book depth can"]),
    ('{"venue": {"kraken":\n {"link": {"a": [1, {"b": 2}],\n "silence_s": 0}}}}', [":2: ", ":3: "]),
    ('{"a": 1,\n "a": 2}', ["a was expected once in its table, is there twice"]),
    ('{"a": }', ["JSON was expected", "line 1"]),
    ("[1]", ["a table in braces was expected"]),
    ('{"a": NaN}', ["a number was expected, was NaN"]),
    ('{"reader": {"capacity": null}}', ["reader.capacity: a whole number", "was None"]),
    (
        '{"kraken": {"websocket_settings": {"ping_interval": 20}}}',
        [":1: kraken: unknown setting"],
    ),
]


@pytest.mark.parametrize(("text", "parts"), JSON, ids=range(len(JSON)))
def test_a_bad_json_file_is_refused_by_name(text: str, parts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load_config(path, environment={})

    for part in [str(path), *parts]:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("FLUXUM__READER__CAPACITY", "many", ["reader.capacity: a whole number", "was 'many'"]),
        ("FLUXUM__READER__CAPACTY", "5", ["unknown setting, was 5; did you mean reader.capacity?"]),
        ("FLUXUM__VENUE", "5", ["venue: a table was expected"]),
        ("FLUXUM__VENUE__KRAKN__DEPTH", "5", ["venue.krakn: an exchange", "mean kraken?"]),
        ("FLUXUM__ACCOUNT__MAIN__SECRET", SECRET, ["account.main.secret: a key is never"]),
    ],
)
def test_a_bad_variable_is_refused_by_its_name(name: str, value: str, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environment={name: value, "XDG_CONFIG_HOME": "/nowhere"})

    for part in [f"{name}: ", *parts]:
        assert part in caught.value.faults[0]
    assert SECRET not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="text in UTF-8 was expected"):
        load_config(tmp_path / "bytes.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(ConfigError, match="at most 1048576 bytes"):
        load_config(tmp_path / "huge.toml")


def test_a_profile_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[profile.paper]\n")

    with pytest.raises(ConfigError, match=r"\(there: paper\), was 'live'"):
        load_config(path, profile="live", environment={})
    with pytest.raises(ConfigError, match="was 'live'"):
        load_config(path, environment={"FLUXUM_PROFILE": "live"})
