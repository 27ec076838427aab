"""What only a shell says, in Chinese and English, side by side."""

import locale as system_locale
import os
from collections.abc import Mapping, Sequence
from typing import Literal

from .language import Locale, Spoken

# A verb of the shell alone: its arguments, and what it does in Chinese and English.
_VERBS: Mapping[str, tuple[str, str, str]] = {
    "rotate-key": (
        "",
        (
            "用第一个密钥重新加密全部已存的密钥，可中断后重来；"
            "请先把新密钥放到 FEISHU_WS__SECRET_KEY 最前面并重启机器人"
        ),
        (
            "seal every stored secret with the first key; may be interrupted and run again. "
            "First put the new key in front of the others in FEISHU_WS__SECRET_KEY and restart the bot"
        ),
    ),
    "export-user": (
        "ID[,ID…] FILE|-",
        "导出所保存的某人的数据（JSON 行）；ID 为 open_id、union_id 或 user_id",
        "write what is kept of a person as lines of JSON; ID: open_id, union_id or user_id",
    ),
    "forget-user": (
        "ID[,ID…] [--yes]",
        "从所保存的数据中去掉某人；不加 --yes 只显示会改动多少行",
        "take a person out of all that is kept; without --yes only count the rows",
    ),
    "db": (
        "upgrade | current",
        "升级数据库，或查看其版本",
        "bring the database up to date, or show its revision",
    ),
}

# An option, and what it does in Chinese and English.
_OPTIONS: Mapping[str, tuple[str, str]] = {
    "--json": (
        "只输出一行 JSON（出错时为 error 和 message）",
        "answer with one line of JSON (error and message if it failed)",
    ),
    "--all": (
        "verify、enable、disable、connect、disconnect 用于全部连接器",
        "verify, enable, disable, connect or disconnect every connector",
    ),
    "--yes": ("remove、forget-user：不再询问", "remove, forget-user: without asking first"),
    "--secret FIELD": (
        "add、set：询问该密钥字段，可重复",
        "add, set: ask for this secret field; may be repeated",
    ),
    "--secrets-stdin": (
        "add、set：从标准输入读取密钥，每行 field=value，或一个 JSON 对象",
        "add, set: read secrets from standard input, field=value lines or a JSON object",
    ),
}


def shell_locale(setting: Literal["auto", "zh_CN", "en_US"]) -> Locale:
    """The language of a shell: `auto` follows `LC_ALL`, `LC_MESSAGES`, `LANG`, in the order POSIX gives them."""
    if setting != "auto":
        return setting
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next((name for name in names if name), None) or system_locale.getlocale()[0] or ""
    return "zh_CN" if name.lower().startswith(("zh", "chinese")) else "en_US"


class ShellTexts(Spoken):
    """The texts in one language."""

    # --- help -----------------------------------------------------------------------------------------------

    def verbs(self, root: str) -> str:
        """The verbs only a shell has, a line each."""
        return "\n".join(self.verb(root, name) for name in _VERBS)

    def verb(self, root: str, name: str) -> str:
        """One of them."""
        usage, zh, en = _VERBS[name]
        return f"{root} {name} {usage}".rstrip() + f" — {self._in(zh, en)}"

    def options(self) -> str:
        """The options, a line each."""
        return "\n".join(f"{option} — {self._in(zh, en)}" for option, (zh, en) in _OPTIONS.items())

    # --- secrets --------------------------------------------------------------------------------------------

    def ask(self, field: str) -> str:
        return self._in(f"{field}（输入不显示）: ", f"{field} (not shown): ")

    def secret_in_arguments(self, fields: Sequence[str]) -> str:
        what = ", ".join(fields)
        return self._in(
            f"不要把密钥（{what}）写成参数：其他用户能看到，也会留在历史记录里。"
            f"什么都没有修改；请当作已泄露处理，换一个密钥，再用 --secret {fields[0]} 或 --secrets-stdin。",
            f"Never write a secret ({what}) as an argument: others can see it and your shell remembers it. "
            "Nothing was changed. Take it for leaked and get a new one, "
            f"then use --secret {fields[0]} or --secrets-stdin.",
        )

    def no_terminal(self) -> str:
        return self._in(
            "标准输入不是终端，无法询问密钥；请用 --secrets-stdin。",
            "Standard input is no terminal to ask for secrets; use --secrets-stdin.",
        )

    def stdin_shows(self) -> str:
        return self._in(
            "标准输入是终端，输入的密钥会显示出来；请用 --secret，或把密钥从文件或管道传入。",
            "Standard input is a terminal and would show what is typed; "
            "use --secret, or pass the secrets through a file or a pipe.",
        )

    def echoing_terminal(self) -> str:
        return self._in(
            "此终端无法隐藏输入；请用 --secrets-stdin。",
            "This terminal cannot hide what is typed; use --secrets-stdin.",
        )

    def secrets_without_use(self, verb: str) -> str:
        return self._in(
            f"{verb} 不需要密钥；--secret 和 --secrets-stdin 只用于 add 和 set。",
            f"{verb} takes no secrets; --secret and --secrets-stdin go with add and set.",
        )

    def bad_secret_line(self, number: int) -> str:
        return self._in(
            f"标准输入第 {number} 行不是 字段=值 的形式。",
            f"Line {number} of standard input is not of the form field=value.",
        )

    def bad_secrets(self) -> str:
        return self._in(
            "标准输入既不是 field=value 行，也不是值为字符串的 JSON 对象（UTF-8）。",
            "Standard input is neither field=value lines nor a JSON object of strings, in UTF-8.",
        )

    def no_secret_field(self, valid: Sequence[str]) -> str:
        known = ", ".join(valid)
        return self._in(
            f"标准输入中有未知的字段；密钥字段：{known}。",
            f"Standard input has a field that is no secret. Secrets: {known}.",
        )

    # --- options --------------------------------------------------------------------------------------------

    def bad_option(self, option: str, problem: str) -> str:
        return self._in(f"选项 {option} 有误：{problem}", f"Option {option}: {problem}")

    def secret_options(self, fields: Sequence[str]) -> str:
        names = ", ".join(fields)
        return self._in(
            f"--secret 需要一个字段名（{names}），不能与 --secrets-stdin 同用。",
            f"--secret takes the name of a field ({names}); it does not go with --secrets-stdin.",
        )

    def all_with(self, verbs: Sequence[str]) -> str:
        names = self._in("、", ", ").join(verbs)
        return self._in(
            f"--all 不带名称，只用于 {names}。", f"--all goes with {names}, and with no name beside it."
        )

    # --- many connectors ------------------------------------------------------------------------------------

    def result_columns(self) -> tuple[str, str]:
        return self._in("名称", "name"), self._in("结果", "result")

    # --- the database and its key ---------------------------------------------------------------------------

    def revision(self, current: str | None, newest: str) -> str:
        """The database's revision beside the one this version of the plugin brings."""
        if current is None:
            return self._in(
                f"数据库还没有建立；最新版本是 {newest}。",
                f"There is no database yet; the newest revision is {newest}.",
            )
        if current == newest:
            return self._in(f"数据库版本 {current}，已是最新。", f"The database is at {current}, the newest.")
        return self._in(
            f"数据库版本 {current}；本插件的版本是 {newest}。",
            f"The database is at {current}; this version of the plugin has {newest}.",
        )

    def upgraded(self, before: str | None, after: str | None) -> str:
        if before == after:
            return self._in(f"数据库已是最新（{after}）。", f"The database was up to date already ({after}).")
        old = before or self._in("空", "nothing")
        return self._in(
            f"数据库已从 {old} 升级到 {after}。", f"The database was upgraded from {old} to {after}."
        )

    def rotated(self, total: int) -> str:
        return self._in(
            f"已用第一个密钥加密全部 {total} 个连接器的密钥；更旧的密钥不再需要。",
            f"Sealed with the first key: all secrets, of {total} connector(s). Older keys are not needed any more.",
        )

    def rotation_broken_off(self) -> str:
        return self._in(
            "数据库不可用，轮换中断；没有数据丢失，稍后再次运行会继续。",
            "The database is not available and the rotation broke off. "
            "Nothing is lost; run it again and it goes on.",
        )

    # --- people ---------------------------------------------------------------------------------------------

    def exported(self, rows: int, file: str) -> str:
        return self._in(f"已写入 {file}：{rows} 行。", f"Written to {file}: {rows} row(s).")

    def not_written(self, file: str, problem: str) -> str:
        return self._in(f"无法写入 {file}：{problem}。", f"{file} cannot be written: {problem}.")

    def would_forget(self, changed: int, deleted: int) -> str:
        return self._in(
            f"将改动 {changed} 行、删除 {deleted} 行。什么都没有做；确认请加 --yes。",
            f"{changed} row(s) would be changed and {deleted} deleted. Nothing was done; say it again with --yes.",
        )

    def forgotten(self, changed: int, deleted: int, alias: str) -> str:
        if not changed + deleted:
            return self._in("没有保存此人的任何数据。", "Nothing is kept of this person.")
        return self._in(
            f"已改动 {changed} 行、删除 {deleted} 行；留下的记录中此人称为 {alias}。",
            f"{changed} row(s) changed, {deleted} deleted. What stays calls this person {alias}.",
        )

    def in_hand(self, what: str) -> str:
        return self._in(
            f"此人还有未处理完的数据（{what}），什么都没有改动；等处理完（或审批有了结果）再试。",
            f"Something of this person is not finished ({what}). Nothing was changed; "
            "try again when it is, or when their approvals are decided.",
        )

    def still_named(self, where: str) -> str:
        return self._in(
            f"连接器的设置里还有此人（{where}），什么都没有改动；请先用 set 修改。",
            f"Connectors still name this person ({where}). Nothing was changed; change them with set first.",
        )

    def interrupted(self) -> str:
        return self._in("已中断。", "Interrupted.")
