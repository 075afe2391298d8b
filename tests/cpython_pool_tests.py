"""CPython's own tests of pools and executors, run against ours.

    python tests/cpython_pool_tests.py FOLDER KIND [ROUNDS]

FOLDER holds the package, KIND is ``threads``, ``processes`` or ``executor``. Threads change over as often as they
can. Ends with status 0 when all tests passed, and with 77 when this Python comes without its tests.
"""

import faulthandler
import importlib
import multiprocessing
import sys
import unittest
from concurrent import futures
from pathlib import Path

#: Their scripts name the class of the executor, as one of ``concurrent.futures``.
NAMES_THE_CLASS = ("interpreter_shutdown", "hang_issue12364", "hang_gh83386")


def tests_of_pools(kind: str) -> unittest.TestSuite:
    """Theirs for one kind of pool."""
    from era5fast.pool import Pool, ThreadPool

    theirs = importlib.import_module("test._test_multiprocessing")
    pool = ThreadPool if kind == "threads" else Pool
    if kind == "threads":
        # Used by test_terminate alone, for tasks that sleep. Threads cannot be stopped: the standard ThreadPool of
        # 3.11 and 3.12 waits for such a task too, in about every second run, when a worker begins one before
        # terminate(): 300 s. As in the tests of 3.13, they sleep for a second.
        theirs.support.LONG_TIMEOUT = 1.0
    mixin = theirs.ThreadsMixin if kind == "threads" else theirs.ProcessesMixin
    mixin.Pool = staticmethod(lambda *args, **kwargs: pool(*args, **kwargs))
    multiprocessing.Pool = Pool
    bases = [theirs._TestPool]
    if kind == "processes":
        bases += [theirs._TestPoolWorkerErrors, theirs._TestPoolWorkerLifetime]
    suite = unittest.TestSuite()
    for base in bases:
        name = base.__name__.lstrip("_")
        if name not in globals():  # processes look for it by name
            globals()[name] = type(name, (base, mixin, unittest.TestCase), {"__module__": "__main__"})
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(globals()[name]))
    return suite


def tests_of_executors() -> unittest.TestSuite:
    """Theirs for executors of threads."""
    from era5fast.pool import Executor

    futures.ThreadPoolExecutor = Executor
    suite = unittest.TestSuite()
    for name in ("as_completed", "future", "init", "shutdown", "thread_pool", "wait"):
        module = importlib.import_module(f"test.test_concurrent_futures.test_{name}")
        suite.addTests(test for test in each(unittest.defaultTestLoader.loadTestsFromModule(module)) if is_ours(test))
    return suite


def each(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    return [test for part in suite for test in (each(part) if isinstance(part, unittest.TestSuite) else [part])]


def is_ours(test: unittest.TestCase) -> bool:
    kinds = ("Process", "Interpreter")
    return not any(kind in type(test).__name__ for kind in kinds) and not any(n in test.id() for n in NAMES_THE_CLASS)


def main() -> int:
    folder, kind, rounds = sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["1"])[0])
    sys.path.insert(0, folder)
    assert Path(importlib.import_module("era5fast.pool").__file__).is_relative_to(folder)
    sys.setswitchinterval(1e-6)
    try:
        suites = [tests_of_executors() if kind == "executor" else tests_of_pools(kind) for _ in range(rounds)]
    except ModuleNotFoundError as error:
        print(f"no tests: {error}")
        return 77
    return 0 if all(passes(suite) for suite in suites) else 1


def passes(suite: unittest.TestSuite) -> bool:
    """Run a round; what hangs shows its stacks and ends the program."""
    faulthandler.dump_traceback_later(180, exit=True)
    return unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful()


if __name__ == "__main__":
    sys.exit(main())
