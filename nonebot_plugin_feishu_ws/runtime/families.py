"""Cancelling what NoneBot shields."""

import asyncio
from collections.abc import Iterable
from typing import Any

import anyio


def cancel_with_children(parents: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and the tasks that anyio's task groups started for them, and so on.

    NoneBot runs each matcher in such a child, shielded from its parent's cancellation: a parent alone would wait for
    its handlers however long they take.
    """
    tasks = {id(task): task for task in asyncio.all_tasks()}
    children: dict[int | None, list[int]] = {}
    for info in anyio.get_running_tasks():
        children.setdefault(info.parent_id, []).append(info.id)
    family = [id(parent) for parent in parents]
    for member in family:  # grows while it is walked
        family += children.get(member, ())
        if member in tasks:
            tasks[member].cancel()
