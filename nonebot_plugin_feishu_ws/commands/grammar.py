"""What can be typed after `/feishu` or `nb feishu-ws`: the verbs, their arguments, and what is wrong with the rest."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from ..butler import UnbalancedQuotes, split_words
from ..texts import Locale


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb.

    Attributes:
        name: As typed.
        usage: Its arguments as a person reads them.
        about: What it does, in Chinese and English.
        example: A whole line.
    """

    name: str
    usage: str
    about: tuple[str, str]
    example: str

    def summary(self, locale: Locale) -> str:
        """What it does."""
        return self.about[locale != "zh_CN"]


VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("list", "", ("列出连接器", "list the connectors"), "list"),
        Verb(
            "show",
            "NAME",
            ("查看一个连接器的全部字段", "show every field of a connector"),
            "show butler",
        ),
        Verb(
            "add",
            "NAME field=value …",
            ("添加连接器", "add a connector"),
            "add butler app_id=cli_a1b2c3d4e5f6a7b8",
        ),
        Verb(
            "set",
            "NAME field=value …",
            ("修改字段", "change fields"),
            "set butler mention_required=false rate_limit_per_minute=20",
        ),
        Verb("verify", "NAME", ("向飞书验证凭证", "check the credentials with Feishu"), "verify butler"),
        Verb(
            "enable",
            "NAME",
            ("启用，重启后仍保持", "connect, now and after restarts"),
            "enable butler",
        ),
        Verb("disable", "NAME", ("停用", "disconnect, until enabled again"), "disable butler"),
        Verb("connect", "NAME", ("立即连接", "connect now"), "connect butler"),
        Verb(
            "disconnect",
            "NAME",
            ("立即断开，重启后恢复", "disconnect until the next start"),
            "disconnect butler",
        ),
        Verb("status", "[NAME]", ("查看连接状态", "show how the connections are doing"), "status"),
        Verb(
            "logs",
            "NAME [N]",
            ("查看最近的日志", "show the latest log rows"),
            "logs butler 20",
        ),
        Verb(
            "replay",
            "NAME [EVENT_ID|all]",
            (
                "查看被放弃的事件，或重新处理",
                "show events that were given up, or have them handled after all",
            ),
            "replay butler all",
        ),
        Verb(
            "why",
            "MESSAGE_ID",
            ("一条消息为什么有或没有回应", "why a message was answered, or not"),
            "why om_dc13264520392913993dd051dba21dcf",
        ),
        Verb(
            "doctor",
            "NAME",
            ("逐项检查并给出建议", "check everything and say what to do"),
            "doctor butler",
        ),
        Verb(
            "test",
            "NAME [CHAT] TEXT",
            ("发一条测试消息", "send a test message"),
            "test butler oc_a0553eda9014c201e6969b478895c230 hello",
        ),
        Verb(
            "remove",
            "NAME [--yes]",
            ("删除连接器及其密钥", "remove a connector and its secrets"),
            "remove butler",
        ),
        Verb(
            "register",
            "[NAME]",
            ("扫码创建应用并添加连接器", "create an app by scanning a code, and add it"),
            "register butler",
        ),
        Verb(
            "console",
            "",
            ("获取登录网页控制台的一次性链接", "get a one-time link to the web console"),
            "console",
        ),
        Verb("approvals", "", ("列出等待审批的请求", "list what waits for approval"), "approvals"),
        Verb("approve", "ID", ("批准一项请求", "approve a request"), "approve k7m2xq9a"),
        Verb(
            "reject",
            "ID",
            ("拒绝，或撤回自己的", "reject one, or take back your own"),
            "reject k7m2xq9a",
        ),
        Verb("help", "[VERB]", ("查看用法", "show how to use this"), "help set"),
    )
}


@dataclass(frozen=True, slots=True)
class Call:
    """A verb and its arguments, as typed; secrets come another way."""

    verb: Verb
    arguments: Mapping[str, Any]
    secrets: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr])


class MisuseError(ValueError):
    """What was typed is no call.

    Attributes:
        verb: The verb, if that much is clear.
        typed: The first word.
        similar: Verbs that look like it.
    """

    def __init__(self, typed: str, verb: Verb | None = None) -> None:
        super().__init__(typed)
        self.typed = typed
        self.verb = verb
        self.similar = () if verb else tuple(difflib.get_close_matches(typed, VERBS, n=3))


def parse(line: str) -> Call:
    """Read one line; quotes as in a shell. Nothing at all, `-h` and `--help` ask for help.

    Raises:
        MisuseError: There is no such verb, or its arguments do not fit.
    """
    try:
        words = split_words(line)
    except UnbalancedQuotes:
        words = line.split()
    if not words or words[0] in ("-h", "--help"):
        return Call(VERBS["help"], {})
    verb = VERBS.get(words[0].lower())
    if verb is None:
        raise MisuseError(words[0])
    if any(word in ("-h", "--help") for word in words[1:]):
        return Call(VERBS["help"], {"verb": verb.name})
    if verb.name == "help":  # to Alconna a word like any option of its own
        return Call(verb, {"verb": words[1].lower()} if words[1:] else {})
    from .arguments import COMMAND  # Alconna: 2 MiB, and 25 ms of the first command

    result = COMMAND.parse(" ".join(["feishu", verb.name, *map(_quoted, words[1:])]))
    if not result.matched:
        raise MisuseError(words[0], verb)
    return Call(verb, dict(result.all_matched_args))


def _quoted(word: str) -> str:
    """A word as Alconna takes it: it only knows quotes around whole words."""
    if word and not any(char.isspace() or char in "\"'" for char in word):
        return word
    mark = "'" if '"' in word else '"'
    return f"{mark}{word}{mark}"
