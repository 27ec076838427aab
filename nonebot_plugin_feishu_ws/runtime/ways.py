"""How connectors that run here speak."""

from collections.abc import Iterator, Mapping

from typing_extensions import override

from ..connectors import Supervisor
from ..delivery import Way
from .bots import Bots


class Ways(Mapping[str, Way]):
    """By app id, as it is at the moment of asking. A connector that is being stopped speaks until its bot is gone."""

    def __init__(self, supervisor: Supervisor, bots: Bots) -> None:
        self._supervisor = supervisor
        self._bots = bots

    @override
    def __getitem__(self, app_id: str) -> Way:
        link = self._supervisor.get(app_id) or self._bots.link_for(app_id)
        if link is None:
            raise KeyError(app_id)
        return Way(link.client, link.spec.name)

    @override
    def __iter__(self) -> Iterator[str]:
        return (link.spec.app_id for link in self._supervisor)

    @override
    def __len__(self) -> int:
        return sum(1 for _ in self._supervisor)
