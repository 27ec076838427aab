"""What a model wants people to approve is put to them; what became of it is told to the model."""

import json
from dataclasses import replace

from ...storage import ApprovalRow, ApprovalState
from ...texts.approvals import ApprovalTexts
from ..approvals import AskRefused, refusal
from ..tools import ToolRegistry
from ..turn import Turn
from .offering import Misfit, read, shortened
from .runs import Call


async def put(turn: Turn, tools: ToolRegistry, call: Call, reason: str) -> Call:
    """Ask people whether one call may be run, with exactly what the model wrote.

    Args:
        turn: In which it was called.
        tools: What can be called.
        call: With the same one nobody is asked a second time.
        reason: The model's words, shown as such.

    Returns:
        The call; with `refused`, if nobody was asked.

    Raises:
        DatabaseUnavailable: Nothing was asked.
    """
    tool = tools.get(call.tool)
    if tool is None or turn.asking is None or not await tool.permits(turn):
        return replace(call, refused="Refused: whoever asks may not use this tool.")
    try:
        values = read(tool, json.loads(call.arguments))
        await turn.asking.ask(turn, tool, values, call=call.key, reason=reason)
    except Misfit as error:
        return replace(call, refused=f"Not run: {error}")
    except AskRefused as error:
        return replace(call, refused=refusal(ApprovalTexts(turn.texts.locale), tool.name, error))
    return call


def outcome(row: ApprovalRow | None) -> str:
    """What the model is told became of a call."""
    if row is None:
        return "Not run: the question is no longer known."
    match row.state:
        case ApprovalState.DONE:
            return shortened(f"Approved and run. Result: {row.result}" if row.result else "Approved and run.")
        case ApprovalState.REJECTED:
            return "Denied: a person has rejected it. It was not run."
        case ApprovalState.UNKNOWN:
            return "Approved, but nobody knows whether it was run. A person must look. Do not call it again."
        case ApprovalState.FAILED:
            said = f" It says: {row.result}" if row.result else ""
            return shortened(f"Approved, but it failed ({row.error}).{said}")
        case state:
            return f"Not run: {state.value}."
