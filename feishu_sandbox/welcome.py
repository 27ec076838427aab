"""The company a newcomer meets."""

from collections.abc import Sequence

from .sandbox import Sandbox
from .world import App


def populate(sandbox: Sandbox, apps: Sequence[App]) -> None:
    """Two people, a topic group and a group with all ``apps``, and everybody's direct chat with each bot."""
    world, chinese = sandbox.world, sandbox.locale == "zh_CN"
    users = [world.add_user(name) for name in (("小明", "小红") if chinese else ("Alice", "Bob"))]
    world.add_group("话题" if chinese else "Topics", [*users, *apps], topic=True)
    world.add_group("大家" if chinese else "Everyone", [*users, *apps])
    for user in users:  # last, because the page opens with the newest chat
        for app in apps:
            world.direct_chat(user, app)
