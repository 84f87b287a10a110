"""The workers of a batch: processes of this computer, or those of a Dask scheduler that runs already."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

import dask
from distributed import CancelledError, Client, Future, LocalCluster, wait
from distributed.client import FuturesCancelledError
from distributed.comm import CommClosedError

from pipeline.errors import SettingsError
from pipeline.model import Message

UNREACHABLE = "No scheduler answers at {address}: {problem}. Start one, or leave the option away."
OTHER_VERSION = (
    "The worker {worker} runs another version ({there}, here {here}): its results would be told under a wrong version. "
    "Install the same version and models on every worker."
)
NO_WORKERS = "The scheduler at {address} has no workers. Start some: dask worker {address} --nthreads 1"
CONNECT_S = 10.0
COUNT_EVERY_S = 1.0
QUIET = {
    # A clip whose worker dies is given back at once: how often it is tried again is for the ledger to say.
    "distributed.scheduler.allowed-failures": 0,
    # Libraries in the worker start processes of their own. A worker ends by itself when the batch does.
    "distributed.worker.daemon": False,
    # No pages, on whatever port.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Dask's configuration for workers of this computer."""


GONE = (CommClosedError, CancelledError, FuturesCancelledError, OSError)
"""What Dask's client raises when its scheduler is gone."""


class Lost(Exception):
    """The scheduler is gone, and with it what it was asked for."""


class Cluster:
    """Workers, each of which examines one clip at a time.

    Parameters
    ----------
    workers : int
        Processes to start on this computer. 0: as many as it has processors.
    address : str, optional
        `tcp://…` or `tls://…` of a scheduler that runs already; nothing is started then. Certificates come from Dask's
        own configuration.
    version : str
        What `check` must return on every worker.
    check : callable
        Called on each worker.

    Raises
    ------
    SettingsError
        If the scheduler does not answer, has no workers, or these run another version of this program.
    """

    def __init__(self, workers: int, address: str | None, version: str, check: Callable[[], str]) -> None:
        self.address, self._version, self._check = address, version, check
        self._local: LocalCluster | None = None
        self._slots, self._counted_s = 0, -math.inf
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        dask.config.set(QUIET)
        if address is None:
            with _without_ctrl_c():
                self._local = LocalCluster(
                    n_workers=workers or None,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",
                    security=True,  # certificates for this run: no other account can send the workers anything
                    silence_logs=logging.CRITICAL,
                )
        self.client = self._connect()
        self._must_be_alike()

    def slots(self) -> int:
        """Return how many clips can be examined at once, as it was known a moment ago."""
        if time.monotonic() - self._counted_s > COUNT_EVERY_S:
            self._counted_s, self._slots = time.monotonic(), self._count()
        return self._slots

    def _count(self) -> int:
        try:
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        except GONE as error:
            raise Lost from error
        return sum(int(worker["nthreads"]) for worker in workers)

    def submit(self, func: Callable[..., Any], *args: Any) -> Future:
        """Have a worker call `func`.

        Raises
        ------
        Lost
            If the scheduler is gone.
        """
        if self.client.status != "running":
            raise Lost
        return self.client.submit(func, *args, pure=False, retries=0)

    def wait(self, futures: Collection[Future], seconds: float) -> set[Future]:
        """Return those that are at an end, after `seconds` at most.

        Raises
        ------
        Lost
            If the scheduler is gone.
        """
        if not futures:
            return set()
        try:
            wait(list(futures), timeout=seconds, return_when="FIRST_COMPLETED")
        except TimeoutError:
            pass
        except GONE as error:
            raise Lost from error
        ended = {future for future in futures if future.status != "pending"}
        if any(future.status in ("cancelled", "lost") for future in ended) or self.client.status != "running":
            raise Lost
        return ended

    def end_worker(self, future: Future) -> None:
        """End the worker that is at work on a future; its nanny starts another."""
        doing = self.client.processing()
        self.client.restart_workers(
            [worker for worker, keys in doing.items() if future.key in keys], raise_for_error=False
        )

    def reconnect(self, seconds: float) -> None:
        """Look for the scheduler again for so many seconds.

        Raises
        ------
        SettingsError
            If it does not come back.
        """
        until = time.monotonic() + seconds
        while True:
            try:
                self.client.close(timeout=1)
                self.client = self._connect()
                self._must_be_alike()
                return
            except (SettingsError, OSError, TimeoutError):
                if time.monotonic() > until:
                    raise
                time.sleep(1.0)

    def close(self) -> None:
        """End what was started here."""
        self.client.close(timeout=5)
        if self._local is not None:
            self._local.close(timeout=10)

    def _connect(self) -> Client:
        try:
            return Client(self._local or self.address, timeout=CONNECT_S)
        except (OSError, TimeoutError, ValueError) as error:
            values = {"address": str(self.address), "problem": str(error)}
            raise SettingsError(Message(UNREACHABLE, values)) from error

    def _must_be_alike(self) -> None:
        found = self.client.run(self._check, on_error="return")
        if not found:
            raise SettingsError(Message(NO_WORKERS, {"address": str(self.address)}))
        for worker, there in found.items():
            if there != self._version:
                values = {"worker": worker, "there": str(there), "here": self._version}
                raise SettingsError(Message(OTHER_VERSION, values))


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start threads that Ctrl-C never reaches, nor the processes that these start at any time: the batch ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it would let Ctrl-C through to the thread that first needs it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
