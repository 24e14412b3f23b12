"""Places of a labgrid for the time of a run: reserved, acquired, watched, and given back.

All places are had or none; they are asked for in the order of their names, so that two runs that want the
same ones do not wait for each other for ever. A place that is taken away, or whose exporter goes, is
reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from intercom_hil.errors import BenchError
from intercom_hil.lab.labgrid import Labgrid, ended
from intercom_hil.lab.labgrid_output import News, NewsReader, PlaceShown, Resource

TURN_WITHIN = 5.0
"""Seconds after which a reservation that nobody is in front of has been given its place."""
NEWS_WITHIN = 20.0
"""Seconds within which the monitor has reported a place that we have just acquired."""
PORT_WITHIN = 15.0
"""Seconds an exporter may take to start the server of a serial port."""
_LOOK_EVERY = 1.0  # s

Progress = Callable[[str], None]


class Lease:
    """Some places of one coordinator. Must be made inside a running event loop.

    Attributes:
        places: their names, in the order in which they are claimed.
        lost: resolves with the reason when one of them is not ours any more, or that cannot be known.
    """

    def __init__(
        self,
        labgrid: Labgrid,
        places: Collection[str],
        *,
        reserve: bool = True,
        priority: float = 0.0,
        wait: float = 0.0,
        progress: Progress = lambda text: None,
    ) -> None:
        """Describe the lease.

        Args:
            labgrid: the coordinator.
            places: names of places.
            reserve: queue for them, as other users of the lab do.
            priority: the place in the queue; higher comes first.
            wait: seconds to wait for a place that somebody else has; needs ``reserve``.
            progress: called with what takes time.
        """
        self.places = tuple(sorted(set(places)))
        self._labgrid = labgrid
        self._reserve, self._priority, self._wait = reserve, priority, wait
        self._progress = progress
        self._tokens: dict[str, str] = {}
        self._acquired: list[str] = []
        self._shown: dict[str, PlaceShown] = {}
        self._reported: set[str] = set()
        self._deleted: set[str] = set()
        self._news = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._claiming = asyncio.Lock()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def held(self) -> bool:
        """Whether all places are ours, as far as is known."""
        return bool(self._shown) and not self.lost.done()

    async def claim(self, left: Collection[str] = ()) -> None:
        """Have all places; nothing happens while they are ours. Lost ones are claimed anew, without waiting.

        Args:
            left: places that a run of ours which was killed may have left acquired.

        Raises:
            BenchError: one cannot be had; none is ours then.
        """
        async with self._claiming:
            if self.held:
                return
            wait = 0.0 if self.lost.done() else self._wait
            await self.release()
            self.lost = asyncio.get_running_loop().create_future()
            try:
                # The monitor first: what happens to a place from the moment it is ours must not be missed.
                await self._start_watching()
                for place in self.places:
                    await self._take(place, wait, left=place in left)
                await self._until_reported()
                self._shown = {place: await self._complete(place) for place in self.places}
            except BaseException:
                await self.release()
                raise
            self._check_deleted()

    async def url(self, name: str) -> str:
        """Return where a serial port in a place is: pyserial's URL.

        Args:
            name: the resource's, or ``place/resource``.

        Raises:
            BenchError: there is none of that name or several, or its exporter does not serve it.
        """
        deadline = asyncio.get_running_loop().time() + PORT_WITHIN
        while not (url := self._found(name).url()):
            if asyncio.get_running_loop().time() > deadline:
                raise BenchError(
                    f"its exporter has started no server for it within {PORT_WITHIN:g} s",
                    f"labgrid resource {name}",
                    "install ser2net where labgrid-exporter runs; see what it says",
                )
            await asyncio.sleep(_LOOK_EVERY)
            self._shown = {place: await self._labgrid.show(place) for place in self.places}
        return url

    async def release(self) -> list[str]:
        """Give everything back and watch no more; return the places for which that failed. Idempotent."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait({watch})
        failed = []
        acquired, self._acquired = self._acquired, []
        tokens, self._tokens = self._tokens, {}
        self._shown = {}
        self._reported.clear()
        self._deleted.clear()
        for place in reversed(acquired):
            try:
                await self._labgrid.release(place)
            except BenchError as problem:
                if "is not acquired" not in problem.what:
                    failed.append(place)
                    self._progress(f"labgrid place {place} was not given back: {problem}")
        for place, token in tokens.items():
            try:
                await self._labgrid.cancel(token)
            except BenchError as problem:
                if "does not exist" not in problem.what:
                    self._progress(f"the reservation of labgrid place {place} expires in a minute: {problem}")
        return failed

    # -- having them -----------------------------------------------------------------------------------

    async def _take(self, place: str, wait: float, *, left: bool) -> None:
        shown = await self._labgrid.show(place)
        if shown.acquired == self._labgrid.me:
            if not left:
                raise _yours(shown)
            self._progress(
                f"labgrid place {place} was left acquired by a run that was killed; it is taken back"
            )
            await self._labgrid.release(place)
            if shown.reservation:
                await self._labgrid.cancel(shown.reservation)
        elif shown.acquired and not (self._reserve and wait):
            raise _others(shown)
        if self._reserve:
            await self._queue(shown, wait)
        self._acquired.append(place)  # before: an order that is cut short may have been heard
        try:
            await self._labgrid.acquire(place)
        except BenchError:
            self._acquired.remove(place)
            raise

    async def _queue(self, shown: PlaceShown, wait: float) -> None:
        reserving = asyncio.ensure_future(self._labgrid.reserve(shown.name, self._priority))
        try:
            await asyncio.shield(reserving)
        finally:  # cut short or not: a reservation whose token nobody knows would keep others out
            await asyncio.wait({reserving})
            if not reserving.exception():
                self._tokens[shown.name] = reserving.result()
        token = self._tokens[shown.name]
        if shown.acquired:
            self._progress(
                f"waiting for labgrid place {shown.name}, at most {wait:g} s: {shown.acquired} has it "
                f"since {shown.changed}"
            )
        if not await self._labgrid.until_allocated(token, max(wait, TURN_WITHIN)):
            raise _others(await self._labgrid.show(shown.name))

    async def _complete(self, place: str) -> PlaceShown:
        shown = await self._labgrid.show(place)
        absent = [resource.path for resource in shown.resources if not resource.there]
        if absent or not shown.resources:
            raise BenchError(
                f"it lacks {', '.join(absent) or 'resources'}",
                f"labgrid place {place}",
                "start the labgrid-exporter that has them; see labgrid-client resources",
            )
        return shown

    def _found(self, name: str) -> Resource:
        found = [
            resource
            for place, shown in self._shown.items()
            for resource in shown.resources
            if name in (resource.name, f"{place}/{resource.name}")
        ]
        if len(found) == 1:
            return found[0]
        names = ", ".join(
            f"{place}/{r.name}" for place, shown in self._shown.items() for r in shown.resources
        )
        raise BenchError(
            f"labgrid has {'several' if found else 'no'} resources {name!r} in {', '.join(self.places)}",
            "labgrid.places",
            f"name one of {names}",
        )

    # -- watching them ---------------------------------------------------------------------------------

    async def _start_watching(self) -> None:
        monitor = await self._labgrid.monitor()
        self._watch = asyncio.create_task(self._read(monitor))

    async def _read(self, monitor: asyncio.subprocess.Process) -> None:
        assert monitor.stdout is not None
        assert monitor.stderr is not None
        said = asyncio.create_task(monitor.stderr.read())
        reader = NewsReader()
        try:
            while line := await monitor.stdout.readline():
                for news in reader.read(line.decode(errors="replace").rstrip("\n")):
                    self._heed(news)
                self._news.set()
            await monitor.wait()
            words = (await said).decode(errors="replace").strip().splitlines()
            self._lose(
                f"the coordinator cannot be watched any more: {words[-1] if words else 'it said nothing'}"
            )
        except (OSError, ValueError) as problem:  # ValueError: a line without end
            self._lose(f"the coordinator cannot be watched any more: {problem}")
        finally:
            said.cancel()
            await ended(monitor)
            self._news.set()

    def _heed(self, news: News) -> None:
        if news.kind == "Resource":
            if news.what == "created":
                self._deleted.discard(news.address)
            elif news.what == "deleted" or (news.field == "avail" and news.after == "False"):
                self._deleted.add(news.address)
            elif news.field.startswith("params.") and news.before != "None" and self._is_ours(news.address):
                self._lose(f"{news.name} has moved: {news.field} was {news.before}, is {news.after}")
            self._check_deleted()
        elif news.name in self.places:
            if news.what == "deleted":
                self._lose(f"labgrid place {news.name} was deleted")
            elif news.field == "acquired" and news.after != self._labgrid.me and news.name in self._reported:
                by = "" if news.after == "None" else f" and acquired by {news.after}"
                self._lose(f"labgrid place {news.name} was released{by}, and not by this run")
            elif news.field == "allowed" or (news.field == "acquired" and news.after == self._labgrid.me):
                self._reported.add(news.name)

    async def _until_reported(self) -> None:
        """Wait until the monitor has reported each place as ours: from then on it reports when one is not."""
        try:
            async with asyncio.timeout(NEWS_WITHIN):
                while unheard := [place for place in self.places if place not in self._reported]:
                    self._news.clear()
                    if self.lost.done():
                        raise BenchError(
                            self.lost.result(), f"labgrid coordinator {self._labgrid.coordinator}"
                        )
                    try:
                        async with asyncio.timeout(_LOOK_EVERY):
                            await self._news.wait()
                    except TimeoutError:  # it was not listening yet when the place was acquired
                        await self._labgrid.touch(unheard[0])
        except TimeoutError:
            raise BenchError(
                f"labgrid-client monitor reported nothing within {NEWS_WITHIN:g} s",
                f"labgrid coordinator {self._labgrid.coordinator}",
                "try it by hand; the versions of client and coordinator should be the same",
            ) from None

    def _check_deleted(self) -> None:
        for address in self._deleted:
            if self._is_ours(address):
                exporter = address.partition("/")[0]
                self._lose(f"the exporter {exporter} is gone, and {address} with it")

    def _is_ours(self, address: str) -> bool:
        return any(address == r.address for shown in self._shown.values() for r in shown.resources)

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)


def _yours(shown: PlaceShown) -> BenchError:
    return BenchError(
        f"it is acquired by you ({shown.acquired}) since {shown.changed}, and not by a run of this bench",
        f"labgrid place {shown.name}",
        f"if you do not use it any more: labgrid-client -p {shown.name} release",
    )


def _others(shown: PlaceShown) -> BenchError:
    if not shown.acquired:
        return BenchError(
            "it is free, and kept for somebody who reserved it before",
            f"labgrid place {shown.name}",
            "wait longer (labgrid.wait), or see labgrid-client reservations",
        )
    return BenchError(
        f"it is acquired by {shown.acquired} since {shown.changed}",
        f"labgrid place {shown.name}",
        "wait for it (labgrid.reserve and labgrid.wait), or ask them; if the one who has it is gone: "
        f"labgrid-client -p {shown.name} release --kick",
    )
