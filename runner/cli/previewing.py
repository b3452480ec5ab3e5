"""The work of `flypast preview`: looks at a manifest, again after each change of a file, and tells what it saw."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from runner.bird.requests import DEFAULT_API_URL, message_url
from runner.errors import Exit, FlypastError, Refused, UsageError
from runner.guards import over_limits
from runner.model import Draft
from runner.output.preview import ASSETS, DraftTold, Fault, Scene, Told, View, export_page, live_page, regions, title
from runner.output.words import number
from runner.pages.serving import Query, Serving
from runner.pipeline import now_utc
from runner.pipeline.previewing import Seen, Stale, Stamps, kind_in_words, look, stamps

from . import reports
from .options import ReportFile, given_files
from .orders import inputs_of, order_of
from .showing import show_warnings
from .terminal import TERMINAL

Given = Mapping[str, Any]  # what the options of inputs give

_EACH_S = 0.15  # between two looks at when the files were written
_SETTLED_S = 0.05  # an editor that writes in two steps is through by then
_PATIENCE_S = 1.0  # for the first look; a page that has waited so long says that it is composing
_WORD = 20_000  # messages between two words on how far it is
_MASKS = 25  # rows of each message that a page in a file lists


def exported(manifest: Path, given: Given, file: Path, *, shows_people: bool) -> int:
    """Writes the page, whatever the findings are: it shows them too. Raises UsageError for one that it reads."""
    _spare(file, given_files())
    reports.check([ReportFile("html", file)])
    seen = _seen(manifest, given, masks=_MASKS)
    try:
        _spare(file, (*seen.asked, *seen.loaded.to_read()))
        reports.write(file, export_page(_told(manifest, seen, shows_people=shows_people)).rstrip("\n"))
    finally:
        seen.album.close()
    show_warnings(seen.findings, seen.loaded.sources)
    TERMINAL.say(f"{file}: {number(len(seen.album), 'message')}, people's data {'shown' if shows_people else 'masked'}")
    return Exit.FINDINGS if seen.has_errors else Exit.DONE


def _spare(file: Path, read: Iterable[Path]) -> None:
    if reports.taking([ReportFile("html", file)], read):
        raise UsageError(
            f"--export {file}: that file is an input, and the page would overwrite it", hint="name another file"
        )


def live(manifest: Path, given: Given, *, opens: bool) -> None:
    """Serves the page until interrupted."""
    if any(path == "-" for _, path in given["recipient_files"]):
        raise UsageError(
            "standard input can't be read again after each change, so --recipients NAME=- goes with --export",
            hint="write it to a file and give that, or write the page with --export",
        )
    asyncio.run(_serve(manifest, given, opens=opens))


async def _serve(manifest: Path, given: Given, *, opens: bool) -> None:
    from .steering import told

    follower = Follower(manifest, given)
    async with Serving(page=follower.page, parts=follower.parts, assets=ASSETS) as serving:
        follower.on_change = serving.tell
        following = asyncio.ensure_future(follower.follow())
        with told(lambda _number: following.cancel()), contextlib.suppress(asyncio.CancelledError):
            TERMINAL.data(serving.url)
            TERMINAL.say("Only a browser on this machine can open it, and it shows people's data. Ctrl-C ends it.")
            if opens:
                await asyncio.to_thread(_open, serving.url)
            await following
    follower.close()


def _open(url: str) -> None:
    import webbrowser

    if not webbrowser.open(url):
        TERMINAL.say("no browser could be opened: open the address above yourself")


class Follower:
    """Looks at a manifest again and again, and holds what there is to see of it: a Scene.

    Composing runs in a thread of its own, and is given up when a file changes meanwhile. An album is read by one at a
    time, and closed only when nobody reads it.
    """

    def __init__(self, manifest: Path, given: Given) -> None:
        self._manifest, self._given = manifest, given
        self._scene = Scene(composing=0)
        self._album_lock = asyncio.Lock()
        self._is_stale = Event()
        self._first = asyncio.Event()
        self._asked = frozenset({manifest, *_operators(given)})
        self.on_change: Callable[[], None] = lambda: None

    async def page(self, query: Query) -> str:
        with contextlib.suppress(TimeoutError):  # most are there by then, and need no second look
            await asyncio.wait_for(self._first.wait(), _PATIENCE_S)
        async with self._album_lock:
            return await asyncio.to_thread(live_page, self._scene, View.of(query))

    async def parts(self, query: Query) -> Mapping[str, str]:
        async with self._album_lock:
            parts = await asyncio.to_thread(regions, self._scene, View.of(query))
            return {"title": title(self._scene), **parts}

    def close(self) -> None:
        """Once nobody asks any more."""
        for told in _albums(self._scene):
            told.album.close()

    async def follow(self) -> None:
        """Never ends by itself."""
        try:
            while True:
                before, began_ns = stamps(self._asked), time.time_ns()
                has_ended, now = await self._look(before), stamps(self._asked)
                if has_ended and not _is_newer(now, before, began_ns):
                    await self._change(now)
                await self._settle()
        finally:
            self._is_stale.set()

    async def _look(self, before: Stamps) -> bool:
        """Whether it came to an end: else a file changed meanwhile."""
        self._is_stale.clear()
        looking = asyncio.ensure_future(asyncio.to_thread(self._taken, asyncio.get_running_loop()))
        while not looking.done():
            await asyncio.wait([looking], timeout=_EACH_S)
            if stamps(frozenset(before)) != before:
                self._is_stale.set()
        try:
            seen = await looking
        except Stale:
            return False
        except FlypastError as wrong:
            await self._put(Scene(told=self._scene.told, fault=Fault(message=wrong.message, hint=wrong.hint)))
            return True
        self._asked |= seen.asked
        await self._take(_told(self._manifest, seen, shows_people=True))
        return True

    async def _take(self, told: Told) -> None:
        """The last good rendering stays where the new one has errors."""
        good = self._scene.told
        is_worse = told.has_errors and good is not None and not good.has_errors
        await self._put(Scene(told=good, newest=told) if is_worse else Scene(told=told))

    async def _put(self, scene: Scene) -> None:
        async with self._album_lock:
            gone = [each for each in _albums(self._scene) if all(each is not kept for kept in _albums(scene))]
            self._show(scene)
            for told in gone:
                told.album.close()

    def _taken(self, loop: asyncio.AbstractEventLoop) -> Seen:
        def on_count(count: int) -> None:
            if self._is_stale.is_set():
                raise Stale
            if count and count % _WORD == 0:
                loop.call_soon_threadsafe(self._say, count)

        return _seen(self._manifest, self._given, on_count=on_count)

    def _say(self, count: int) -> None:
        self._show(replace(self._scene, composing=count))

    def _show(self, scene: Scene) -> None:
        self._scene = scene
        if scene.told is not None or scene.fault is not None:
            self._first.set()
        self.on_change()

    async def _change(self, before: Stamps) -> None:
        """Returns once a file is otherwise, or there, or gone."""
        while stamps(frozenset(before)) == before:  # noqa: ASYNC110 - a file tells nobody when it is written
            await asyncio.sleep(_EACH_S)

    async def _settle(self) -> None:
        """Until nothing has changed for a moment."""
        now = None
        while now != (now := stamps(self._asked)):  # noqa: ASYNC110
            await asyncio.sleep(_SETTLED_S)


def _albums(scene: Scene) -> list[Told]:
    return [told for told in (scene.told, scene.newest) if told is not None]


def _is_newer(now: Stamps, before: Stamps, began_ns: int) -> bool:
    """Whether a file was written since: one that was not known before tells it by its time."""
    return any(
        stamp != before[path] if path in before else stamp is not None and stamp[0] >= began_ns
        for path, stamp in now.items()
    )


def _operators(given: Given) -> list[Path]:
    return [*given["parameter_files"], *(Path(path) for _, path in given["recipient_files"])]


def _seen(
    manifest: Path,
    given: Given,
    *,
    masks: int = 0,
    on_count: Callable[[int], object] = lambda _count: None,
) -> Seen:
    order = order_of(manifest, inputs_of(**given), is_strict=False)
    return look(order, now=now_utc(), masks=masks, on_count=on_count)


def _told(manifest: Path, seen: Seen, *, shows_people: bool) -> Told:
    loaded, plan = seen.loaded, seen.plan
    is_judged = plan is not None and not seen.has_errors
    refusals = over_limits(plan, seen.policy, max_messages=None, allow_empty=True) if plan and is_judged else ()
    return Told(
        path=loaded.project.shown(manifest.absolute()),
        name=loaded.manifest.name if loaded.manifest is not None else "",
        edition=loaded.manifest.edition if loaded.manifest is not None else "",
        at=now_utc().astimezone(),
        plan=plan,
        album=seen.album,
        drafts=tuple(map(_draft, seen.drafts)),
        findings=seen.findings,
        sources=loaded.sources,
        not_checked=seen.not_checked,
        refusals=tuple(refusals),
        shows_people=shows_people,
    )


def _draft(draft: Draft) -> DraftTold:
    try:
        address = message_url(DEFAULT_API_URL, draft.channel)
    except Refused:  # a finding says so already
        address = f"{DEFAULT_API_URL}/…"
    return DraftTold(
        name=draft.name, channel=draft.channel, kind=kind_in_words(draft), fields=draft.fields, address=address
    )
