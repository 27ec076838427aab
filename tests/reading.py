"""Reading messages as a person does."""

from feishu_sandbox import Message


def plain(message: Message) -> str:
    """The words of a text or a post."""
    if message.msg_type != "post":
        return message.text
    lines = message.content.get("content") or next(iter(message.content.values()))["content"]
    return "\n".join("".join(str(node.get("text", "")) for node in line) for line in lines)
