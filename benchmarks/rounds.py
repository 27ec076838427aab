"""Rounds in which all clients take turns, so that a busy minute meets everybody."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .children import ChildError
from .contenders import Contender
from .databases import databases
from .report import Options
from .trial import Figures, trial

_AT_ONCE = 4
"""Trials, where nothing is measured."""
Phases = Mapping[str, Mapping[str, Any]]
"""What is sent, by the phase's name: arguments of `server.Run`."""


@dataclass(slots=True)
class Found:
    """What all rounds gave.

    Attributes:
        figures: By contender and phase, a list with one for each round; without those that failed.
        absent: Why a contender did not run.
        wrong: What was not done right.
    """

    figures: dict[str, dict[str, list[Figures]]] = field(default_factory=dict[str, dict[str, list[Figures]]])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    wrong: list[str] = field(default_factory=list[str])

    def of(self, contender: Contender, phase: str, figure: str) -> list[float]:
        """One figure of each round; empty: there are none."""
        return [getattr(one, figure) for one in self.figures.get(contender.name, {}).get(phase, ())]

    def raw(self) -> dict[str, object]:
        return {
            name: {phase: [one.raw() for one in rounds] for phase, rounds in phases.items()}
            for name, phases in self.figures.items()
        }


async def take_turns(
    contenders: Sequence[Contender], phases_of: Callable[[Contender], Phases], options: Options
) -> Found:
    """Every contender once in each round, in a fresh process; its phases one after the other."""
    found = Found()
    asked = [one for one in contenders if not options.clients or one.name in options.clients]
    found.absent |= {one.name: "not asked for" for one in contenders if one not in asked}
    with databases(postgresql=any(one.store == "postgresql" for one in asked)) as made:
        found.absent |= {one.name: why for one in asked if (why := made.missing(one.store) or one.missing())}
        present = [one for one in asked if one.name not in found.absent]
        turns = asyncio.Semaphore(_AT_ONCE if options.quick else 1)

        async def turn(one: Contender, number: int) -> None:
            wrong: list[str] = []
            got: dict[str, Figures] = {}
            async with turns:
                try:
                    async with trial(one, made, warm_up=options.size(one.events) // 10) as running:
                        wrong = running.wrong
                        for phase, what in phases_of(one).items():
                            got[phase] = await running.run(**what)
                except ChildError as error:
                    wrong.append(str(error))
            found.wrong += [f"{one.name}, round {number}: {line}" for line in wrong]
            if not wrong:
                for phase, figures in got.items():
                    found.figures.setdefault(one.name, {}).setdefault(phase, []).append(figures)

        for number in range(1, options.rounds + 1):
            await asyncio.gather(*(turn(one, number) for one in present))
    return found
