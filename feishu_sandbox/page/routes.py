"""The page itself and the forms on it that make people, apps and groups; each answers with the page again."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from ..posts import RequestUrlError
from ..world import MESSAGE_TYPES, App, Chat, Member, User
from .emoji import PALETTE, glyph
from .frames import rows_of
from .live import app_views, stream
from .looks import ChatView, avatar, face_of, ident
from .markup import clean
from .platform import PAGE, Page
from .texts import Texts, choose_language
from .views import Reader

__all__ = ["add_app", "add_group", "add_user", "change_members", "index", "live", "set_webhook", "texts_of"]

ASSETS = "/sandbox/page/static/"
LANGUAGE = "sandbox_language"
NAME_LENGTH = 60


def texts_of(request: web.Request) -> Texts:
    """The reader's language."""
    accepted = request.headers.get("Accept-Language", "")
    return choose_language(request.cookies.get(LANGUAGE), accepted, request.app[PAGE].platform.locale)


async def index(request: web.Request) -> web.StreamResponse:
    """The page. Query, all optional: `user`; `chat`, or `app` (the direct chat with it, made if need be)."""
    if chosen := request.query.get("lang"):
        rest = {key: value for key, value in request.query.items() if key != "lang"}
        chosen_page = web.HTTPSeeOther(f"/?{urlencode(rest)}")
        chosen_page.set_cookie(LANGUAGE, "en" if chosen == "en" else "zh", samesite="Lax", max_age=31536000)
        raise chosen_page
    page, texts = request.app[PAGE], texts_of(request)
    user = page.world.users.get(request.query.get("user", "")) or next(iter(page.world.users.values()), None)
    if user is None:
        user = page.world.add_user("Ada")
    reader = Reader(page.world, user, texts, page.reads)
    chat = _chat(request, page, reader)
    if chat is not None:
        _opened(page, user, chat)
    context = _context(request, page, reader, chat)
    html = page.templates.get_template("page.html").render(context)
    return web.Response(text=html, content_type="text/html")


def _chat(request: web.Request, page: Page, reader: Reader) -> Chat | None:
    """The chat asked for, else the latest, else one with the first bot; none for `list` (phones)."""
    if "list" in request.query:
        return None
    user = reader.user
    wanted = page.world.chats.get(request.query.get("chat", ""))
    if wanted is not None and user in wanted.users:
        return wanted
    app = page.world.apps.get(request.query.get("app", ""))
    if app is None:
        first = next(iter(reader.chats({})), None)
        if first is None:
            return None
        if first.chat_id:
            return page.world.chats[first.chat_id]
        app = page.world.apps[first.app_id]
    return page.world.direct_chat(user, app)


def _opened(page: Page, user: User, chat: Chat) -> None:
    """The chat is on the screen: it is read, and its bot is told as Feishu tells it."""
    if page.reads.unread(user, chat, page.world.messages_in(chat)):
        page.world.read(user, chat)
    page.reads.mark(user, chat, page.world.now_ms())


def _context(request: web.Request, page: Page, reader: Reader, chat: Chat | None) -> dict[str, Any]:
    world, texts, user = page.world, reader.texts, reader.user
    chats = reader.chats(page.online())
    peer = next((view for view in chats if chat and view.chat_id == chat.chat_id), None)
    members = page.members(chat) if chat else []
    here = {"user": ident(user), **({"chat": chat.chat_id} if chat else {})}
    created = world.apps.get(request.query.get("created", ""))
    return {
        "t": texts,
        "assets": ASSETS,
        "query": urlencode(here),
        "user": _person(user),
        "users": [_person(one) for one in world.users.values()],
        "chat": chat,
        "chosen": chat is not None and bool(request.query.get("chat") or request.query.get("app")),
        "chats": chats,
        "chat_people": {ident(one) for one in chat.users} if chat else set[str](),
        "peer": peer,
        "members": [_person(one) for one in members],
        "absent": [_person(one) for one in world.apps.values() if chat and one not in chat.apps],
        "mentionable": _mentionable(members, user, peer, texts),
        "entries": reader.entries(chat) if chat else (),
        "apps": app_views(page),
        "rows": rows_of(world.feed.history, world),
        "pane": request.cookies.get("sandbox_pane") == "open",
        "message_types": MESSAGE_TYPES,
        "palette": [(name, glyph(name)) for name in PALETTE],
        "created": next(
            (view for view in app_views(page) if created and view["app_id"] == created.app_id), None
        ),
    }


def _person(who: Member) -> dict[str, Any]:
    name = clean(who.name)
    return {"key": ident(who), "name": name, "avatar": face_of(who)}


def _mentionable(
    members: list[Member], user: User, peer: ChatView | None, texts: Texts
) -> list[dict[str, Any]]:
    """Bots first: they are what one calls. Everyone can be called in groups."""
    others = sorted((one for one in members if one is not user), key=lambda one: not isinstance(one, App))
    found = [_person(one) for one in others]
    if peer is not None and peer.kind != "p2p":
        found.append({"key": "all", "name": texts.everyone, "avatar": avatar("@")})
    return found


async def live(request: web.Request) -> web.StreamResponse:
    try:
        return await stream(request, texts_of(request))
    except KeyError:
        # 204 tells an EventSource to give up: the sandbox was restarted and knows this user or chat no more
        raise web.HTTPNoContent from None


async def add_user(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    user = request.app[PAGE].world.add_user(_name(form.get("name")))
    raise web.HTTPSeeOther(f"/?{urlencode({'user': ident(user)})}")


async def add_app(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    app = request.app[PAGE].world.add_app(_name(form.get("name")))
    query = {"user": str(form.get("user", "")), "app": app.app_id, "created": app.app_id}
    raise web.HTTPSeeOther(f"/?{urlencode(query)}")


async def set_webhook(request: web.Request) -> web.StreamResponse:
    """Where an app's events are posted, and the key they are encrypted with; both may be empty."""
    page, form = request.app[PAGE], await request.post()
    app = page.world.apps.get(str(form.get("app")))
    if app is None:
        raise web.HTTPNotFound(text=texts_of(request).unknown_thing)
    app.encrypt_key = str(form.get("encrypt_key", "")).strip() or None
    try:
        await page.platform.posts.save_url(app, str(form.get("request_url", "")).strip() or None)
    except RequestUrlError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    raise web.HTTPSeeOther(f"/?{urlencode({'app': app.app_id})}")


async def add_group(request: web.Request) -> web.StreamResponse:
    page = request.app[PAGE]
    form = await request.post()
    try:
        user = page.user(form.get("user"))
        members = [page.member(str(key)) for key in form.getall("member", [])]
    except KeyError:
        raise web.HTTPNotFound(text=texts_of(request).unknown_thing) from None
    people = [user, *(one for one in members if one is not user)]
    chat = page.world.add_group(_name(form.get("name")), people, topic=bool(form.get("topic")))
    raise web.HTTPSeeOther(f"/?{urlencode({'user': ident(user), 'chat': chat.chat_id})}")


async def change_members(request: web.Request) -> web.StreamResponse:
    page = request.app[PAGE]
    form = await request.post()
    try:
        user = page.user(form.get("user"))
        chat = page.chat(form.get("chat"), user)
        app = page.world.apps[str(form.get("app"))]
    except KeyError:
        raise web.HTTPNotFound(text=texts_of(request).unknown_thing) from None
    change = page.world.remove_bot if form.get("do") == "remove" else page.world.add_bot
    change(user, chat, app)
    raise web.HTTPSeeOther(f"/?{urlencode({'user': ident(user), 'chat': chat.chat_id})}")


def _name(value: object) -> str:
    name = " ".join(clean(value).split())[:NAME_LENGTH]
    if not name:
        raise web.HTTPBadRequest(text="a name is needed")
    return name
