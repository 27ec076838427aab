"""A model's markdown made harmless: what it says may have been put into its mouth by whatever it has read.

A picture that is loaded, or a link whose text hides where it goes, can carry what the model has seen to a stranger's
server. So none is ever formed: `](` never stands together, and outside code no `<` begins a tag (in Feishu's markdown
also mentions, `<at id=all></at>`). Addresses stay readable, in full. What is done to a text does not depend on what
follows it, but for one character, so a text that grows can be shown while it does.
"""

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CODE_SPAN = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
_LINK = re.compile(r"\](?=[(\[:])")
_PICTURE = re.compile(r"!(?=\[)")


def tame(text: str) -> str:
    """The text without pictures, hidden links, mentions and other tags."""
    text = text.replace("\0", "").encode("utf-8", "replace").decode()  # what databases and Feishu refuse
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            line = _outside(line)
        lines.append(_LINK.sub("] ", _PICTURE.sub("", line)))
    return "\n".join(lines)


def _outside(line: str) -> str:
    """A line outside code blocks; code within it keeps its `<`."""
    done, start = "", 0
    for span in _CODE_SPAN.finditer(line):
        done += line[start : span.start()].replace("<", "&lt;") + span[0]
        start = span.end()
    return done + line[start:].replace("<", "&lt;")
