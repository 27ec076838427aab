"""What a tool has answered, as text: data, whatever it says."""

import json
from collections.abc import Iterator

from mcp import types

from .cleaning import clean

_LONGEST = 100_000  # characters
_LONGEST_ERROR = 2000
_MOST_PARTS = 200


def text_of(result: types.CallToolResult) -> str:
    """A result in words; pictures and the like are named, not shown."""
    parts = list(_parts(result))
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False, indent=1)]
    return clean("\n".join(parts), _LONGEST_ERROR if result.is_error else _LONGEST)


def _parts(result: types.CallToolResult) -> Iterator[str]:
    for block in result.content[:_MOST_PARTS]:
        match block:
            case types.TextContent(text=text):
                yield text[: _LONGEST + 1]
            case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
                yield text[: _LONGEST + 1]
            case types.ResourceLink(uri=uri):
                yield f"[{uri}]"
            case types.ImageContent() | types.AudioContent():
                yield f"[{block.type}, {len(block.data) * 3 // 4} bytes, is left out]"
            case _:
                yield f"[{block.type} is left out]"
    if len(result.content) > _MOST_PARTS:
        yield f"[{len(result.content) - _MOST_PARTS} more parts are left out]"
