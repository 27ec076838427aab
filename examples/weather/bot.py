"""Weather on a card: `weather` shows a form, and the card becomes the forecast."""

import os
from typing import Annotated, Any, Literal

import aiohttp
import nonebot
from nonebot.adapters.feishu import MessageSegment
from pydantic import BaseModel

nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")
from nonebot_plugin_feishu_ws import CardActionEvent, FormValues, addressed, cards, on_card_action

API = os.environ.get("WEATHER_API", "https://api.open-meteo.com")
PLACES = {"Beijing": (39.9, 116.4), "Shanghai": (31.2, 121.5), "Shenzhen": (22.5, 114.1)}


class Wish(BaseModel):
    place: Literal["Beijing", "Shanghai", "Shenzhen"]
    day: cards.Day


def form() -> dict[str, Any]:
    return cards.form(
        "wish",
        cards.select("place", "Where?", {place: place for place in PLACES}, required=True),
        cards.date("day", "When?", required=True),
        cards.submit("Forecast", {"action": "weather.forecast"}),
    )


async def forecast(wish: Wish) -> str:
    latitude, longitude = PLACES[wish.place]
    day = wish.day.isoformat()
    query = {"latitude": latitude, "longitude": longitude, "timezone": "auto"}
    query |= {"daily": "temperature_2m_min,temperature_2m_max", "start_date": day, "end_date": day}
    url = f"{API}/v1/forecast"
    async with aiohttp.request("GET", url, params=query, raise_for_status=True) as response:
        daily = (await response.json())["daily"]
    return f"{daily['temperature_2m_min'][0]} to {daily['temperature_2m_max'][0]} °C"


weather = nonebot.on_startswith("weather", rule=addressed(), block=True)


@weather.handle()
async def ask() -> None:
    await weather.finish(MessageSegment("interactive", cards.card("Weather", form())))


asked = on_card_action("weather.forecast")


@asked.handle()
async def answer(event: CardActionEvent, wish: Annotated[Wish, FormValues()]) -> None:
    title = f"{wish.place}, {wish.day:%d.%m.%Y}"
    await event.respond(card=cards.card(title, cards.text(await forecast(wish)), form(), colour="blue"))


if __name__ == "__main__":
    nonebot.run()
