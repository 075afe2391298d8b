"""Token, address, certificates and settings: where they are looked for, and what is refused."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from era5fast import Client, _core, config, debugging, settings, wording
from era5fast.errors import ConfigError, InputError

KEY = "01234567-89ab-cdef-0123-456789abcdef"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("CDSAPI_URL", "CDSAPI_KEY", "ECMWF_DATASTORES_URL", "ECMWF_DATASTORES_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "cdsapirc"))
    monkeypatch.setenv("ECMWF_DATASTORES_RC_FILE", str(tmp_path / "datastoresrc"))
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("ERA5FAST_CONFIG", str(tmp_path / "config.toml"))
    for name in (
        *config._CERTIFICATE_VARIABLES,
        "ERA5FAST_DEBUG",
        *(f"ERA5FAST_{n.upper()}" for n in settings.rows()),
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(path, text, mode=0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


def test_argument_beats_environment_beats_file(nowhere, monkeypatch) -> None:
    write(nowhere / "datastoresrc", f"url: https://second.example/api/\nkey: {KEY}")
    assert config.load().url == "https://second.example/api"
    write(nowhere / "cdsapirc", f"url: https://first.example/api\nkey: {KEY}\n")
    assert config.load().url == "https://first.example/api"
    monkeypatch.setenv("CDSAPI_URL", "https://environment.example/api")
    monkeypatch.setenv("CDSAPI_KEY", KEY)
    assert config.load().url == "https://environment.example/api"
    assert config.load("https://argument.example/api", KEY).url == "https://argument.example/api"


OTHER = "fedcba98-89ab-cdef-0123-456789abcdef"


def test_a_token_never_goes_to_an_address_of_another_client(nowhere, monkeypatch) -> None:
    write(nowhere / "datastoresrc", f"url: https://second.example/api\nkey: {OTHER}\nverify: 0")
    monkeypatch.setenv("CDSAPI_KEY", KEY)
    found = config.load()
    assert (found.url, found.key, found.insecure) == (config.DEFAULT_URL, KEY, False)
    write(nowhere / "cdsapirc", "url: https://first.example/api")
    assert config.load().url == "https://first.example/api"
    monkeypatch.delenv("CDSAPI_KEY")
    assert (config.load().url, config.load().key) == ("https://second.example/api", OTHER)


def test_a_token_kept_for_another_portal_is_refused(nowhere, monkeypatch) -> None:
    write(nowhere / "cdsapirc", f"url: {config.DEFAULT_URL}\nkey: {KEY}")
    third = "https://third.example/api"
    for way in ("argument", "environment"):
        monkeypatch.setenv("CDSAPI_URL", third if way == "environment" else "")
        with pytest.raises(ConfigError) as caught:
            config.load(third if way == "argument" else None)
        for words in ("cdsapirc is for", config.DEFAULT_URL, f"names {third}", "give the token", "CDSAPI_URL"):
            assert words.lower() in str(caught.value).lower() or (way, words) == ("argument", "CDSAPI_URL")
        assert KEY not in str(caught.value)
        assert config.load(third, OTHER).key == OTHER
    monkeypatch.delenv("CDSAPI_URL")
    for same in (config.DEFAULT_URL + "/", "https://CDS.climate.copernicus.eu:443/api"):
        assert config.load(same).key == KEY
    write(nowhere / "datastoresrc", f"key: {OTHER}")
    assert config.load(third).key == OTHER, "kept for no portal in particular"


def test_a_token_kept_for_the_address_comes_first(nowhere) -> None:
    write(nowhere / "cdsapirc", f"key: {KEY}")
    write(nowhere / "datastoresrc", f"url: https://second.example/api\nkey: {OTHER}")
    assert config.load("https://second.example/api/").key == OTHER
    assert config.load(config.DEFAULT_URL).key == config.load("https://third.example/api").key == KEY
    assert config.load(key=KEY).url == "https://second.example/api"


def test_a_token_in_the_environment_beats_files(nowhere, monkeypatch) -> None:
    write(nowhere / "cdsapirc", f"key: {KEY}")
    monkeypatch.setenv("ECMWF_DATASTORES_KEY", OTHER)
    assert config.load().key == OTHER


def test_without_a_token_the_places_are_named_in_order(nowhere) -> None:
    with pytest.raises(ConfigError, match=r"CDSAPI_KEY.*cdsapirc"):
        config.load()


def test_each_file_says_why_there_is_no_token_in_it(nowhere, monkeypatch) -> None:
    write(nowhere / "cdsapirc", f"# mine\nurl: {config.DEFAULT_URL}\nkey {KEY}\n")
    with pytest.raises(ConfigError) as caught:
        config.load()
    assert "cdsapirc (line 3 has no colon)" in str(caught.value)
    assert KEY not in str(caught.value)
    write(nowhere / "cdsapirc", "key:\n")
    with pytest.raises(ConfigError, match="line 1 has no value"):
        config.load()
    write(nowhere / "cdsapirc", "kye: abc\n")
    with pytest.raises(ConfigError, match=r"cdsapirc \(no line 'key: …'\)"):
        config.load()
    monkeypatch.setenv("CDSAPI_RC", "nope")
    with pytest.raises(ConfigError, match=r", nope \(not there\)"):
        config.load()


def test_without_a_token_the_lines_to_write_are_named() -> None:
    with pytest.raises(ConfigError, match=f"url: .*key: ….*{config.DEFAULT_URL.removesuffix('/api')}/profile"):
        config.load()


def test_a_line_of_the_rc_file_without_effect_is_told_once(nowhere, caplog) -> None:
    write(nowhere / "cdsapirc", f"key: {KEY}\nverify 0\n")
    with caplog.at_level(logging.WARNING, "era5fast"):
        assert not config.load().insecure
        config.load()
    assert caplog.text.count("cdsapirc: line 2 has no colon") == 1


def test_a_bad_address_says_where_it_stands(nowhere, monkeypatch) -> None:
    write(nowhere / "cdsapirc", f"url: cds\nkey: {KEY}")
    with pytest.raises(ConfigError, match=r"'cds' is no address of a service \(.*cdsapirc\)"):
        config.load()
    monkeypatch.setenv("CDSAPI_URL", "nonsense")
    with pytest.raises(ConfigError, match=r"\(CDSAPI_URL\)"):
        config.load()


@pytest.mark.parametrize(
    ("given", "text"),
    [({"url": 5}, "url must be a text"), ({"key": b"secret"}, "key must be a text or None, not bytes"),
     ({"verify": 5}, "verify must be True, False, or the path"), ({"proxy": 5}, "proxy must be a text"),
     ({"proxy": "ftp://p.example:1"}, "http://host:port, or begins with one of https, socks4"),
     ({"ip_version": "4"}, r"0 \(both\), 4 or 6, not '4'"), ({"ip_version": 4.0}, "not 4.0"),
     ({"ip_version": [4]}, "ip_version")],
)  # fmt: skip
def test_what_can_never_work_is_refused_at_once(given, text) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        config.load(**{"url": "https://cds.example/api", "key": KEY, **given})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "text"),
    [({"journal": 5}, "journal must be True, False, or the path"), ({"progress": "line"}, "True, False or 'lines'"),
     ({"on_interrupt": ["keep"]}, "'keep' or 'dismiss', not"), ({"max_transfers": 2.5}, "a whole number between"),
     ({"verify": 5}, "verify must be"), ({"proxy": 5}, "proxy must be")],
)  # fmt: skip
def test_a_client_that_can_never_work_is_refused_at_once(given, text) -> None:
    with pytest.raises((ConfigError, InputError), match=text):
        Client("https://cds.example/api", KEY, **given)


def test_a_file_without_certificates_is_refused_at_once(nowhere) -> None:
    (nowhere / "mine.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=r"no certificates in .*mine\.pem"):
        config.load(key=KEY, verify=nowhere / "mine.pem")


@pytest.mark.parametrize("key", ["12345:abcdef", "with blank", "new\nline", "schlüssel"])
def test_malformed_tokens_are_refused_and_never_shown(key) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(key=key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["http://cds.example/api", "ftp://x/", "nonsense", "https://user:secret@x.example/"])
def test_addresses_that_would_show_the_token_are_refused(url) -> None:
    with pytest.raises(ConfigError):
        config.load(url, KEY)


def test_loopback_may_be_plain_http() -> None:
    assert config.load("http://127.0.0.1:1234/api/", KEY).url == "http://127.0.0.1:1234/api"


def test_a_file_that_others_can_read_is_told_once(nowhere, caplog) -> None:
    write(nowhere / "cdsapirc", f"key: {KEY}\n", 0o644)
    with caplog.at_level(logging.WARNING, "era5fast"):
        found = config.load()
        assert caplog.text.count("chmod 600") == 1
        config.load()
    assert caplog.text.count("chmod 600") == 1
    assert KEY not in caplog.text + repr(found)


def test_quotes_belong_to_the_value_as_for_the_official_client(nowhere) -> None:
    write(nowhere / "cdsapirc", f'url: "https://cds.example/api"\nkey: {KEY}')
    with pytest.raises(ConfigError, match="no address"):
        config.load()


@pytest.mark.parametrize("token", ['"abcdef-123"', "'abcdef-123'", "<PERSONAL-ACCESS-TOKEN>"])
def test_quotation_marks_and_placeholders_are_no_tokens(nowhere, token) -> None:
    write(nowhere / "cdsapirc", f"url: https://cds.example/api\nkey: {token}")
    with pytest.raises(ConfigError, match=r"(?s)cdsapirc.*quotation marks.*https://cds.example/profile") as caught:
        config.load()
    assert token.strip("<>\"'") not in str(caught.value).replace("such as <PERSONAL-ACCESS-TOKEN>", "")


def test_lines_in_braces_are_named_as_what_they_are(nowhere) -> None:
    write(nowhere / "cdsapirc", "{url: https://cds.example/api, key: abcdef}")
    with pytest.raises(ConfigError, match="in braces; a line for each"):
        config.load()


@pytest.mark.parametrize("portal", ["ads.atmosphere.copernicus.eu", "ewds.climate.copernicus.eu"])
def test_other_portals_have_their_own_page_for_tokens(portal) -> None:
    with pytest.raises(ConfigError, match=f"https://{portal}/profile"):
        config.load(f"https://{portal}/api")
    with pytest.raises(ConfigError, match=f"https://{portal}/profile"):
        config.load(f"https://{portal}/api", "12345:abc")


def test_a_copy_has_no_secret(nowhere) -> None:
    write(nowhere / "cdsapirc", f"url: https://cds.example/api\nkey: {KEY}\nverify: 1")
    found = config.load("https://cds.example/api", "another-token", proxy="http://me:word@p.example:1", ip_version=4)
    stored = pickle.dumps(found)
    assert b"another-token" not in stored
    assert b"word" not in stored
    back = pickle.loads(stored)
    assert (back.url, back.key, back.ip_version) == ("https://cds.example/api", KEY, 4)
    assert back.proxy == "http://p.example:1"
    assert "word" not in repr(found) + repr(back)
    assert copy.deepcopy(found) is copy.copy(found) is found


@pytest.mark.parametrize("url", ["", f"url: {config.DEFAULT_URL}\n"])
def test_a_pickle_sends_no_token_where_nobody_has_said_so(nowhere, url) -> None:
    stored = pickle.dumps(config.load("https://mine.example/api", "another-token"))
    write(nowhere / "cdsapirc", f"{url}key: {KEY}")
    with pytest.raises(ConfigError, match=r"cdsapirc.*https://mine\.example/api"):
        pickle.loads(stored)


def test_a_pickle_finds_the_token_where_it_was_found_before(nowhere) -> None:
    write(nowhere / "cdsapirc", f"key: {KEY}")
    stored = pickle.dumps(config.load("https://mine.example/api"))
    assert pickle.loads(stored).key == KEY


def test_what_the_core_gets_is_what_it_takes() -> None:
    found = config.load("http://127.0.0.1:1/api", KEY, ip_version=6)
    with pytest.raises(InputError, match="method"):  # all of the rest was understood
        _core.ask(found.http("tester/1"), settings.resolve(), "PATCH", "/x", None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"extra": 1}, "extra"), ({"ip_version": 5}, "ip_version"), ({"insecure": 1}, "insecure"), ({"key": 5}, "key"),
     ({"key": "a\0b"}, "key"), ({"url": None}, "url"), ({"user_agent": None}, "user_agent"),
     ({"proxy": b"x"}, "proxy")],
)  # fmt: skip
def test_the_core_is_strict(change, words) -> None:
    http = {**config.load("http://127.0.0.1:1/api", KEY).http("tester/1"), **change}
    with pytest.raises(InputError, match=words) as caught:
        _core.ask(http, {}, "GET", "/x", None, None)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"patience": -1}, "patience.*between 0 and"), ({"looks": 1000}, "looks"), ({"pace": float("nan")}, "pace"),
     ({"patience": "x"}, "patience.*number"), ({"patience": True}, "patience"), ({"patienc": 1}, "patienc"),
     ({"timeout": None}, "timeout")],
)  # fmt: skip
def test_the_core_is_strict_about_settings(given, words) -> None:
    http = config.load("http://127.0.0.1:1/api", KEY).http("tester/1")
    with pytest.raises(InputError, match=words):
        _core.ask(http, given, "GET", "/x", None, None)


# --- certificates


def test_certificates_of_the_argument_then_the_environment_then_the_system(nowhere, monkeypatch) -> None:
    files = [nowhere / name for name in ("argument.pem", "first.pem", "second.pem", "system.pem")]
    for path in files:
        path.write_text(CERTIFICATE)
    argument, first, second, system = map(str, files)
    monkeypatch.setattr(config, "_CERTIFICATES", ["/nowhere/x.pem", system])

    def used(**options) -> str | None:
        return config.load("https://cds.example/api", KEY, **options).ca_file

    assert used() == system
    monkeypatch.setenv("SSL_CERT_FILE", second)
    assert used() == second
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", first)
    assert used() == first == used(verify=True)
    assert used(verify=argument) == argument
    assert used(verify=False) is None


def test_certificates_of_certifi_come_last(monkeypatch) -> None:
    monkeypatch.setattr(config, "_CERTIFICATES", [])
    pytest.importorskip("certifi")
    assert config.load("https://cds.example/api", KEY).ca_file.endswith("cacert.pem")
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert config.load("https://cds.example/api", KEY).ca_file is None


def test_a_conda_environment_brings_its_own(nowhere, monkeypatch) -> None:
    (nowhere / "ssl").mkdir()
    (nowhere / "ssl" / "cacert.pem").write_text("")
    monkeypatch.setattr(config, "_CERTIFICATES", [p for p in config._CERTIFICATES if "CONDA_PREFIX" in p])
    monkeypatch.setenv("CONDA_PREFIX", str(nowhere))
    assert config.load("https://cds.example/api", KEY).ca_file == str(nowhere / "ssl" / "cacert.pem")


def test_a_variable_that_names_nothing_is_told(monkeypatch, caplog) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/mine.pem")
    wording._said.clear()
    with caplog.at_level(logging.WARNING, "era5fast"):
        config.load("https://cds.example/api", KEY)
        config.load("https://cds.example/api", KEY)
    assert caplog.text.count("/nowhere/mine.pem") == 1


def test_folders_of_certificates_may_be_a_list(nowhere, monkeypatch, caplog) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere/at/all:{nowhere}:/tmp")
    with caplog.at_level(logging.WARNING, "era5fast"):
        assert config.load("https://cds.example/api", KEY).ca_file == str(nowhere)
    assert "SSL_CERT_DIR" not in caplog.text


def test_the_rc_file_may_name_certificates(nowhere) -> None:
    (nowhere / "mine.pem").write_text(CERTIFICATE)
    write(nowhere / "cdsapirc", f"key: {KEY}\nverify: {nowhere / 'mine.pem'}")
    assert config.load().ca_file == str(nowhere / "mine.pem")


# --- settings


def test_defaults_are_those_of_the_core() -> None:
    assert settings.resolve() == {row["name"]: row["default"] for row in _core.fetch_settings()}


def test_argument_beats_environment_beats_file_for_settings(nowhere, monkeypatch) -> None:
    (nowhere / "config.toml").write_text("[client]\npatience = 3\nlooks = 2\ntimeout = '5 min'\n")
    monkeypatch.setenv("ERA5FAST_PATIENCE", "2 h")
    monkeypatch.setenv("ERA5FAST_LOOKS", "4")
    found = settings.resolve(patience=1, looks=None)
    assert (found["patience"], found["looks"], found["timeout"]) == (1, 4, 300)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("patience", "90s", 90), ("patience", "5 min", 300), ("patience", "24 h", 86400), ("patience", "1.5d", 129600),
     ("patience", "250 ms", 0.25), ("patience", "1e3", 1000), ("patience", " 7 ", 7), ("poll_interval_min", "1s", 1),
     ("bandwidth", "10 MB", 1e7), ("bandwidth", "10 MB/s", 1e7), ("bandwidth", "1 KiB", 1024), ("looks", "5", 5)],
)  # fmt: skip
def test_units_may_be_written(monkeypatch, name, text, value) -> None:
    assert settings.resolve(**{name: text})[name] == pytest.approx(value)
    monkeypatch.setenv(f"ERA5FAST_{name.upper()}", text)
    assert settings.resolve()[name] == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("patience", "10 MB"), ("bandwidth", "10 s"), ("looks", "3 s"), ("patience", "soon"), ("patience", ""),
     ("patience", "5 parsecs"), ("patience", -1), ("looks", 0), ("patience", float("inf")), ("patience", True),
     ("patience", [1]), ("patience", "1 2"), ("max_jobs", 10**400)],
)  # fmt: skip
def test_bad_values_say_where_what_and_the_range(name, value) -> None:
    row = settings.rows()[name]
    with pytest.raises(ConfigError) as caught:
        settings.resolve(**{name: value})
    text = str(caught.value)
    assert f"the argument {name}" in text
    assert f"between {row.lowest:g} and {row.highest:g}" in text


def test_bad_values_of_environment_and_file_name_their_place(nowhere, monkeypatch) -> None:
    monkeypatch.setenv("ERA5FAST_LOOKS", "many")
    with pytest.raises(ConfigError, match="environment variable ERA5FAST_LOOKS"):
        settings.resolve()
    monkeypatch.delenv("ERA5FAST_LOOKS")
    (nowhere / "config.toml").write_text("[client]\nlooks = true\n")
    with pytest.raises(ConfigError, match=r"config\.toml: looks"):
        settings.resolve()


@pytest.mark.parametrize("text", ["[client\n", "client = 3\n", "\xff"])
def test_an_unreadable_file_is_told(nowhere, text) -> None:
    (nowhere / "config.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"config\.toml"):
        settings.resolve()


def test_unknown_names(nowhere, caplog) -> None:
    (nowhere / "config.toml").write_text("[client]\npatiense = 3\n[other]\nx = 1\n")
    with caplog.at_level(logging.WARNING, "era5fast"):
        settings.resolve()
        settings.resolve()
    assert caplog.text.count("did you mean 'patience'?") == 1
    with pytest.raises(TypeError, match="did you mean 'patience'"):
        settings.resolve(patiense=3)


def told(caplog) -> list[str]:
    with caplog.at_level(logging.WARNING, "era5fast"):
        settings.resolve()
        settings.resolve()
    return [record.getMessage() for record in caplog.records]


def test_what_stands_outside_the_table_of_the_client_is_told_once(nowhere, caplog) -> None:
    (nowhere / "config.toml").write_text("patience = 3\ntimeuot = 5\n[clinet]\nlooks = 1\n")
    path = nowhere / "config.toml"
    assert told(caplog) == [
        f"{path}: 'patience' stands outside [client] and has no effect",
        f"{path}: 'timeuot' stands outside [client] and has no effect; did you mean 'timeout'?",
        f"{path}: the table [clinet] has no effect; settings stand in [client]",
    ]


def test_a_misspelt_variable_of_the_environment_is_told_once(monkeypatch, caplog) -> None:
    for name in ("ERA5FAST_PATIENSE", "ERA5FAST_JOURNAL", "ERA5FAST_NUM_THREADS", "ERA5FAST_ISA"):
        monkeypatch.setenv(name, "1")
    (line,) = told(caplog)
    assert "no variable ERA5FAST_PATIENSE; did you mean 'ERA5FAST_PATIENCE'" in line


def test_every_variable_that_is_read_is_known() -> None:
    root = Path(__file__).parent.parent
    sources = [*root.glob("era5fast/**/*.py"), *root.glob("csrc/**/*.[ch]")]
    read = {
        name for path in sources for name in re.findall(r"[\"`]\$?(ERA5FAST_[A-Z_]+[A-Z])[\"`]", path.read_text())
    }
    assert len(read) >= 4
    assert read <= set(settings._OTHER_VARIABLES)


def test_a_file_that_is_named_must_be_there(nowhere, monkeypatch) -> None:
    monkeypatch.setenv("ERA5FAST_CONFIG", str(nowhere / "other.toml"))
    with pytest.raises(ConfigError, match=r"ERA5FAST_CONFIG names .*other\.toml, which is not there"):
        settings.resolve()


@pytest.mark.parametrize("name", [name for name, row in settings.rows().items() if row.unit == "count"])
def test_counts_are_whole(name) -> None:
    assert settings.resolve(**{name: 2.0})[name] == 2
    for value in (2.5, "2.5"):
        with pytest.raises(ConfigError, match=f"{name} must be a whole number between 1 and .*not .?2.5"):
            settings.resolve(**{name: value})


def test_a_wrong_unit_is_answered_with_the_right_ones() -> None:
    with pytest.raises(ConfigError, match="units: ms, s, min, h, d"):
        settings.resolve(patience="5 parsecs")
    with pytest.raises(ConfigError, match="units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"):
        settings.resolve(bandwidth="10 Mbit")
    with pytest.raises(ConfigError, match="it has no unit"):
        settings.resolve(pace="10 s")


def test_the_file_lies_in_the_users_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("ERA5FAST_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings.config_path().name == "config.toml"
    assert settings.config_path().parent.name == "era5fast"


# --- debugging

PROGRAM = """
import logging
from era5fast import _core, config, debugging, settings
{before}
http = config.load("http://127.0.0.1:1/api", "some-token-of-mine").http("tester/1")
def ask():
    try:
        _core.ask(http, settings.resolve(patience=0), "GET", "/jobs?limit=1", None, None)
    except ConnectionError:
        print("failed")
with debugging.shown(debugging.is_wanted({wanted})):
    ask()
print("then")
ask()
"""


def run(wanted: str, before: str = "", **environment: str) -> str:
    command = [sys.executable, "-P", "-c", PROGRAM.format(wanted=wanted, before=before)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=30)
    assert done.stdout == "failed\nthen\nfailed\n", done.stderr
    assert "some-token-of-mine" not in done.stderr
    return done.stderr


def test_debugging_shows_every_call() -> None:
    line = "DEBUG GET /api/jobs?limit=1: 0"
    assert run("True").count(line) == 1  # not of the call that follows
    assert run("None", ERA5FAST_DEBUG="1").count(line) == 1
    assert run("None") == run("None", ERA5FAST_DEBUG="0") == run("False", ERA5FAST_DEBUG="1") == ""


def test_a_program_that_logs_itself_gets_the_lines_its_way() -> None:
    text = run("True", 'logging.basicConfig(format="mine: %(message)s")')
    assert text.startswith("mine: GET /api/jobs?limit=1")
    assert len(text.splitlines()) == 1  # for the time that was asked for
    assert run("None", 'logging.basicConfig(level="DEBUG", format="mine: %(message)s")').startswith("mine: GET")


def test_every_listener_gets_every_line_and_takes_none_from_those_who_watch(caplog) -> None:
    log, first, second = logging.getLogger("era5fast"), [], []
    caplog.set_level(logging.WARNING, "era5fast")
    caplog.handler.setLevel(logging.NOTSET)
    with debugging.shown(False, first.append), debugging.shown(False, second.append):
        log.debug("a call")
        assert caplog.messages == []
        with debugging.shown(True):
            log.debug("another")
        assert caplog.messages == ["another"]
    log.debug("nobody asks any more")
    assert first == second == ["a call", "another"]
    assert caplog.messages == ["another"]


def test_a_listener_lowers_no_bar_for_others(caplog) -> None:
    log = logging.getLogger("era5fast")
    lines: list[str] = []
    caplog.set_level(logging.WARNING, "era5fast")
    caplog.handler.setLevel(logging.NOTSET)
    with debugging.shown(False, lines.append):
        log.info("by the way")
        log.debug("a call")
        log.warning("look")
    assert (caplog.messages, lines) == (["look"], ["a call"])


def test_the_environment_is_asked_for_a_proxy_in_order(monkeypatch) -> None:
    def asked(**options):
        http = config.load("https://cds.example/api", KEY, **options).http("tester/1")
        return http["proxy"], http["no_proxy"]

    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://evil.example:1")
    monkeypatch.setenv("http_proxy", "http://evil.example:1")
    assert asked() == ("", "")
    for name in ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"):  # each beats those before it
        monkeypatch.setenv(name, f"{name}.example:3128")
        assert asked() == (f"{name}.example:3128", "")
    monkeypatch.setenv("https_proxy", "")
    assert asked() == ("HTTPS_PROXY.example:3128", "")
    monkeypatch.setenv("NO_PROXY", "a.example")
    assert asked()[1] == "a.example"
    monkeypatch.setenv("no_proxy", "b.example")
    assert asked()[1] == "b.example"
    assert asked(proxy="http://chosen.example:1") == ("http://chosen.example:1", None)
    assert asked(proxy="") == ("", None)


def test_the_page_of_settings_is_the_table_of_the_core():
    page = (Path(__file__).parent.parent / "docs" / "reference" / "settings.md").read_text()
    for row in _core.fetch_settings():
        assert f"| `{row['name']}` | {row['default']:g} | {row['unit']} | {row['meaning']} |" in page
