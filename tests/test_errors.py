"""One status table, one error path: classes and rows agree, and exceptions behave."""

from __future__ import annotations

import copy
import pickle

import pytest

from era5fast import _core, errors

OWN_OF_PYTHON = {"cancelled", "memory", "exists"}


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
        (errors.LicenceError, (errors.AuthError,)),
        (errors.NetworkError, (ConnectionError,)),
        (errors.TransferTimeoutError, (errors.NetworkError, TimeoutError)),
        (errors.StorageError, (OSError,)),
        (errors.DatabaseBusyError, (errors.EventDatabaseError,)),
        (errors.ForkedProcessError, (RuntimeError,)),
    ],
)
def test_classes_are_also_the_ones_python_code_expects(cls: type, bases: tuple[type, ...]) -> None:
    assert all(issubclass(cls, base) for base in bases)


def test_text_is_one_line_with_tries_and_hint() -> None:
    error = errors.NetworkError("cannot reach host", hint="check the cable", attempts=3)
    assert str(error) == "cannot reach host (after 3 tries). Check the cable"
    long = errors.ServerError("x" * 500)
    assert len(str(long)) <= errors.MAX_LENGTH


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
