"""The arguments of the verbs, for Alconna; those that are not here take none."""

from collections.abc import Mapping

from arclet.alconna import Alconna, Args, MultiVar, Subcommand

from .grammar import VERBS

_NAME = Args["name", str]
_MAYBE_NAME = Args["name;?", str]
_ID = Args["id", str]

_ARGUMENTS: Mapping[str, Args] = {
    "show": _NAME,
    "add": Args["name;?", str]["words", MultiVar(str, "*")],
    "set": Args["name", str]["words", MultiVar(str, "*")],
    "verify": _NAME,
    "enable": _NAME,
    "disable": _NAME,
    "connect": _NAME,
    "disconnect": _NAME,
    "status": _MAYBE_NAME,
    "logs": Args["name", str]["count", int, 20],
    "replay": Args["name", str]["event;?", str],
    "why": Args["message_id", str],
    "doctor": _NAME,
    "test": Args["name", str]["words", MultiVar(str, "+")],
    "remove": Args["name", str]["yes;?", "--yes"],
    "register": _MAYBE_NAME,
    "approve": _ID,
    "reject": _ID,
}

COMMAND: Alconna[str] = Alconna(
    "feishu",
    *(
        Subcommand(verb.name, _ARGUMENTS.get(verb.name, Args()), help_text=verb.about[1])
        for verb in VERBS.values()
    ),
)
"""Reads a line of verb and arguments."""
