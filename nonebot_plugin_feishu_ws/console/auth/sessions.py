"""Signing in to the console: links that work once, and the sessions they open.

Both are rows of the database, so that a link made by one process is good at every other. What opens them (256 random
bits) is only with the person: the rows hold its SHA-256, which is enough for what nobody can guess.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, delete, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ...storage import Database, DatabaseClock, SessionOrigin, SessionRow, SignInRow

LINK_VALID = timedelta(minutes=5)
IDLE = timedelta(hours=12)
"""A session nobody has used for so long is over."""
LONGEST = timedelta(days=7)
"""So is any that is older."""

_TOUCH = timedelta(minutes=1)  # how exactly it is known when a session was last used
_BYTES = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as they have shown who they are.

    Attributes:
        origin: How.
        who: As `Actor.who`.
        app_id: The Feishu app that told the open_id.
        proof: SHA-256 of the API token, where that is what they have shown.
    """

    origin: SessionOrigin
    who: str
    app_id: str | None = None
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in."""

    id: str
    identity: Identity
    notice: Mapping[str, str] | None


class Sessions:
    """Keeps links and sessions. Every method raises DatabaseUnavailable where the database does not work."""

    def __init__(self, database: Database, clock: DatabaseClock) -> None:
        self._database = database
        self._clock = clock

    async def link(self, identity: Identity) -> str:
        """What a link carries that signs somebody in: once, within `LINK_VALID`."""
        code = secrets.token_urlsafe(_BYTES)

        async def work(session: AsyncSession) -> None:
            now = await self._clock.read(session)
            await session.exec(delete(SignInRow).where(col(SignInRow.expires_at) <= now))
            row = SignInRow(
                id=digest(code),
                origin=identity.origin,
                who=identity.who,
                app_id=identity.app_id,
                expires_at=now + LINK_VALID,
            )
            session.add(row)

        await self._database.write(work)
        return code

    async def redeem(self, code: str) -> tuple[str, Identity] | None:
        """Use a link up.

        Returns:
            The cookie of a new session, and whose it is; None: the link is unknown, used or too old.
        """
        cookie = secrets.token_urlsafe(_BYTES)

        async def work(session: AsyncSession) -> Identity | None:
            now = await self._clock.read(session)
            row = await session.get(SignInRow, digest(code))
            if row is None:
                return None
            taken = delete(SignInRow).where(col(SignInRow.id) == row.id, col(SignInRow.expires_at) > now)
            if (await session.exec(taken)).rowcount != 1:  # too late, or somebody else was quicker
                return None
            identity = Identity(row.origin, row.who, row.app_id)
            await _open(session, cookie, identity, now)
            return identity

        identity = await self._database.write(work)
        return None if identity is None else (cookie, identity)

    async def open(self, identity: Identity) -> str:
        """The cookie of a new session, for somebody who has shown otherwise who they are."""
        cookie = secrets.token_urlsafe(_BYTES)

        async def work(session: AsyncSession) -> None:
            await _open(session, cookie, identity, await self._clock.read(session))

        await self._database.write(work)
        return cookie

    async def find(self, cookie: str, *, used: bool = True) -> Session | None:
        """The session of a cookie; None: there is none, or it is over.

        Args:
            cookie: As the browser sent it.
            used: Somebody is at work in it, and not just a page that is left open.
        """
        async with self._database.session() as session:
            now = await self._clock.read(session)
            row = await session.get(SessionRow, digest(cookie))
        if row is None or row.created_at <= now - LONGEST or row.seen_at <= now - IDLE:
            return None
        if used and row.seen_at <= now - _TOUCH:
            await self._set(row.id, seen_at=now)
        identity = Identity(row.origin, row.who, row.app_id, row.proof)
        return Session(row.id, identity, None if row.notice is None else json.loads(row.notice))

    async def tell(self, session: Session, notice: Mapping[str, str] | None) -> None:
        """Leave a word for the next page; None: it was said."""
        await self._set(session.id, notice=None if notice is None else json.dumps(notice))

    async def end(self, session: Session) -> None:
        """Sign out."""

        async def work(inside: AsyncSession) -> None:
            await inside.exec(delete(SessionRow).where(col(SessionRow.id) == session.id))

        await self._database.write(work)

    async def end_all(self, identity: Identity) -> None:
        """Sign somebody out everywhere, and make links they have not used worthless."""

        async def work(inside: AsyncSession) -> None:
            for table in (SessionRow, SignInRow):
                theirs = col(table.origin) == identity.origin, col(table.who) == identity.who
                await inside.exec(delete(table).where(*theirs))

        await self._database.write(work)

    async def _set(self, session_id: str, **values: object) -> None:
        async def work(inside: AsyncSession) -> None:
            await inside.exec(update(SessionRow).where(col(SessionRow.id) == session_id).values(**values))

        await self._database.write(work)


async def _open(session: AsyncSession, cookie: str, identity: Identity, now: datetime) -> None:
    await session.exec(delete(SessionRow).where(_over(now)))
    session.add(
        SessionRow(
            id=digest(cookie),
            origin=identity.origin,
            who=identity.who,
            app_id=identity.app_id,
            proof=identity.proof,
            created_at=now,
            seen_at=now,
        )
    )


def _over(now: datetime) -> ColumnElement[bool]:
    return or_(col(SessionRow.created_at) <= now - LONGEST, col(SessionRow.seen_at) <= now - IDLE)


def digest(secret: str) -> str:
    """What is kept of something nobody can guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def csrf_of(cookie: str) -> str:
    """What a form of this session must carry: it follows from the cookie, and tells nothing about it."""
    return hmac.new(cookie.encode("utf-8", "replace"), b"feishu-ws form", hashlib.sha256).hexdigest()
