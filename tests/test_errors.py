"""One status table, one error path: classes and rows agree, and exceptions behave."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from era5fast import _core, errors

OWN_OF_PYTHON = {"cancelled", "memory"}


def test_every_row_of_the_status_table_has_its_class() -> None:
    codes = {code for _, code, _, _ in _core.statuses()} - {"ok"}
    assert codes == set(errors.BY_CODE)


@pytest.mark.parametrize("row", _core.statuses(), ids=lambda row: row[0])
def test_class_and_row_agree_on_retrying(row: tuple[str, str, bool, str]) -> None:
    _, code, retryable, _ = row
    if code != "ok" and code not in OWN_OF_PYTHON:
        cls = errors.BY_CODE[code]
        assert issubclass(cls, errors.Era5FastError)
        assert cls.retryable == retryable


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (errors.ConfigError, (ValueError,)),
        (errors.MissingPackageError, (errors.InputError, ImportError)),
        (errors.MissingItemError, (errors.InputError, KeyError, IndexError)),
        (errors.LicenceError, (errors.AuthError,)),
        (errors.NetworkError, (ConnectionError,)),
        (errors.TransferTimeoutError, (errors.NetworkError, TimeoutError)),
        (errors.StorageError, (OSError,)),
        (errors.ExistingFileError, (errors.StorageError, FileExistsError)),
        (errors.DatabaseBusyError, (errors.EventDatabaseError,)),
        (errors.ForkedProcessError, (RuntimeError,)),
    ],
)
def test_classes_are_also_the_ones_python_code_expects(cls: type, bases: tuple[type, ...]) -> None:
    assert all(issubclass(cls, base) for base in bases)


def test_text_is_one_line_with_tries_and_hint() -> None:
    error = errors.NetworkError("cannot reach host", hint="check the cable", attempts=3)
    assert str(error) == "cannot reach host (after 3 tries). Check the cable"
    assert (
        str(errors.RequestError("job failed: no data. ", hint="ask for less")) == "job failed: no data. Ask for less"
    )
    long = errors.ServerError("x" * 500)
    assert len(str(long)) <= errors.MAX_LENGTH


def test_text_names_target_and_job_once() -> None:
    def text(what: str, **given: str) -> str:
        return str(errors.CorruptDataError(what, **given))

    assert text("empty reply", target="/data/x.nc") == "/data/x.nc: empty reply"
    assert text("empty reply", target="/data/x.nc", job_id="7f") == "/data/x.nc (job 7f): empty reply"
    assert text("job failed: no data", job_id="7f") == "job 7f: job failed: no data"
    assert text("cannot make /data/x.nc", target="/data/x.nc", job_id="7f") == "cannot make /data/x.nc"
    assert text("empty reply of x.nc", target="/data/x.nc") == "empty reply of x.nc"
    assert text("job 7f has not ended", job_id="7f") == "job 7f has not ended"
    long = text("empty reply", target="/data" * 40 + "/x.nc")
    assert long.startswith("…")
    assert long.endswith("/x.nc: empty reply")
    assert len(long) < 100
    first = errors.CorruptDataError("empty reply", target="/data/x.nc")
    assert str(errors.BatchError({"/data/x.nc": first}, [])).endswith("the first: /data/x.nc: empty reply")


def test_the_name_of_a_target_cuts_nothing_of_what_to_do() -> None:
    error = errors.LicenceError("a licence is missing", hint="read it and call " + "x" * 220, target="/data/" * 20)
    assert str(error) == f"a licence is missing. R{error.hint[1:]}"


@pytest.mark.parametrize("part", ["what", "hint"])
def test_texts_from_outside_are_shown_without_harm(part: str) -> None:
    hostile = "rev \x1b[2J evil\n key=abc \x9b \u202e \ud800 end " + "x" * 100_000
    error = errors.LicenceError(**{"what": "no", part: hostile})
    assert str(error).isprintable()
    assert getattr(error, part).isprintable()
    assert len(getattr(error, part)) <= 1000
    assert errors.clean("a\tb" * 3, 4) == "a b…"


def test_pickle_and_copy_keep_everything() -> None:
    error = errors.from_core("throttled", "wait", "later", "a.nc", "job-1", 0, 429, 2, 1.5, 17.0)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is errors.ThrottledError
        assert (twin.status, twin.retry_after, twin.job_id, str(twin)) == (429, 17.0, "job-1", str(error))


def test_storage_error_keeps_errno_and_file_name() -> None:
    error = errors.from_core("storage", "cannot write", "", "/x/y", "", 28, 0, 0, 0.0, 0.0)
    assert isinstance(error, OSError)
    assert (error.errno, error.filename) == (28, "/x/y")
    assert pickle.loads(pickle.dumps(error)).errno == 28


def test_unreadable_file_is_a_storage_error_that_names_it(tmp_path) -> None:
    with pytest.raises(errors.StorageError, match=r"absent\.nc") as caught:
        _core.open_file(str(tmp_path / "absent.nc"))
    assert caught.value.errno == 2


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ("pass a path", "Pass a path"),
        ("freq='YS' counts years", "freq='YS' counts years"),
        ("shapely.make_valid mends it", "shapely.make_valid mends it"),
        ("pip install geopandas", "pip install geopandas"),
        ("retry. Then wait", "Retry. Then wait"),
    ],
)
def test_hints_begin_with_a_capital_letter_unless_they_are_code(hint: str, wanted: str) -> None:
    assert str(errors.InputError("no", hint=hint)) == f"no. {wanted}"


@pytest.mark.parametrize("cls", errors._all_subclasses(errors.Era5FastError), ids=lambda cls: cls.__name__)
def test_every_class_has_cause_and_cure(cls: type[errors.Era5FastError]) -> None:
    text = cls.__doc__ or ""
    cause, cure = (re.search(rf"^    {word}: \S.*", text, re.MULTILINE) for word in ("Cause", "Cure"))
    assert cause is not None
    assert cure is not None
    assert cause.start() < cure.start()
