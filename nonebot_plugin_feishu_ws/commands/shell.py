"""`nb feishu-ws VERB …`: the same verbs as in a chat, and a few that belong to the machine alone.

NoneBot's command line loads the bot without starting it and then calls `main`. Nothing here talks to a bot that runs:
both work on the database, and the bot looks into it twice a second.
"""

import argparse
import asyncio
import contextlib
import getpass
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from nonebot.log import default_filter, default_format, logger, logger_id
from pydantic import SecretStr

from ..config import load_settings
from ..connectors import SECRETS, Actor
from ..texts.chat import ChatTexts
from ..texts.connectors import ConnectorTexts
from ..texts.shell import ShellTexts, shell_locale
from . import secrets_input
from .answer import Answer
from .desk import Desk
from .grammar import VERBS, MisuseError, parse
from .printing import Printer
from .shell_scan import ShellScan
from .shell_verbs import FOR_ALL, SHELL_VERBS, each, managed
from .verbs import carry_out, perform

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes; 1 is also for a `doctor` who has found a problem, 130 what shells give a program ended by Ctrl-C."""

_WITH_SECRETS = ("add", "set")


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed.

    Attributes:
        words: The verb and its arguments.
        as_json: For scripts.
        everything: For every connector.
        ask: Secret fields to be asked for.
        from_stdin: Secrets come through standard input.
    """

    words: tuple[str, ...]
    as_json: bool = False
    everything: bool = False
    ask: tuple[str, ...] = ()
    from_stdin: bool = False


class _MisusedError(ValueError):
    """What was typed is no call; the message says why."""


def main(root: str = "nb feishu-ws") -> NoReturn:
    """The entry point: NoneBot is initialised and the plugin loaded, but nothing runs.

    Args:
        root: What was typed before the verb, for help.
    """
    from .. import running  # not before: this module is also imported by whoever loads the plugin

    _log_to_stderr()
    arguments = sys.argv[1:]
    printer = Printer(as_json="--json" in arguments)
    locale = shell_locale(load_settings().locale)
    texts = ShellTexts(locale)
    words = ChatTexts(locale)
    scan = ShellScan(printer, words)
    desk = Desk(running.management, _whoever(), ConnectorTexts(locale), root, show=scan.show)
    try:
        options = _options(arguments, texts)
        secrets = _secrets(options, texts)
        if _agreed(options, words):
            answer, code = asyncio.run(_answer(desk, options, texts, printer, secrets))
        else:
            answer, code = Answer(words.cancelled(), failed=True), FAILED
    except (_MisusedError, secrets_input.SecretsError) as error:
        answer, code = Answer(str(error), failed=True), MISUSED
    except KeyboardInterrupt:
        answer, code = Answer(texts.interrupted(), failed=True), INTERRUPTED
    printer.show(answer, error="Misused" if code == MISUSED else "Refused")
    sys.exit(code)


def _log_to_stderr() -> None:
    """From here on standard output is the answer's; only what goes wrong is worth a line of log."""
    with contextlib.suppress(ValueError):  # the bot has taken NoneBot's handler away itself
        logger.remove(logger_id)
        logger.add(sys.stderr, level="WARNING", filter=default_filter, format=default_format, diagnose=False)


def _whoever() -> Actor:
    """Who can run this can read the database and its key: the user of the machine may do everything."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        who = str(os.getuid())
    return Actor(who=who, origin="shell", superuser=True)


# --- what was typed -------------------------------------------------------------------------------------------


def _options(arguments: Sequence[str], texts: ShellTexts) -> Options:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--secret", action="append", default=[], choices=SECRETS)
    source.add_argument("--secrets-stdin", action="store_true")
    try:
        known, words = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        # An attached value (`--secret=…`) is not repeated: somebody may have put the secret itself there.
        message = texts.secret_options(SECRETS) if "--secret" in str(error.argument_name) else error.message
        raise _MisusedError(texts.bad_option(error.argument_name or "", message)) from None
    return Options(tuple(words), known.json, known.all, tuple(known.secret), known.secrets_stdin)


def _secrets(options: Options, texts: ShellTexts) -> Mapping[str, SecretStr]:
    """Ask for, or read, the secrets a call needs, if it is one."""
    verb = options.words[0].lower() if options.words else ""
    if any(word in ("-h", "--help") for word in options.words):
        return {}
    if verb not in _WITH_SECRETS:
        if options.ask or options.from_stdin:
            raise _MisusedError(texts.secrets_without_use(verb))
        return {}
    if written := [word.partition("=")[0] for word in options.words if word.partition("=")[0] in SECRETS]:
        raise _MisusedError(texts.secret_in_arguments(written))
    with contextlib.suppress(MisuseError):
        parse(_line(options.words))  # a call that will be refused is not worth a secret
        if options.from_stdin:
            return secrets_input.read(texts)
        fields = ["app_secret", *options.ask] if verb == "add" else options.ask
        if fields:
            return secrets_input.ask(list(dict.fromkeys(fields)), texts)
    return {}


def _agreed(options: Options, words: ChatTexts) -> bool:
    """Whether to go on: a removal asks first, where somebody can answer. Outside the loop, which holds Ctrl-C back."""
    with contextlib.suppress(MisuseError):
        call = parse(_line(options.words))
        if call.verb.name == "remove" and "yes" not in call.arguments:
            if options.as_json or not sys.stdin.isatty():
                return True
            question = words.confirm("remove", call.arguments["name"])
            print(f"{question} [y/N]", end=" ", file=sys.stderr, flush=True)  # noqa: T201
            return sys.stdin.readline().strip().lower() in ("y", "yes", "是")
    return True


def _line(words: Sequence[str]) -> str:
    """The words as one line that reads as these words again."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word and not any(char.isspace() or char in "\"'“”‘’" for char in word):
        return word
    mark = "'" if any(char in word for char in '"“”') else '"'
    return f"{mark}{word}{mark}"


# --- doing it -------------------------------------------------------------------------------------------------


async def _answer(
    desk: Desk, options: Options, texts: ShellTexts, printer: Printer, secrets: Mapping[str, SecretStr]
) -> tuple[Answer, int]:
    words, line = options.words, _line(options.words)
    verb = words[0].lower() if words else "help"
    if options.everything:
        if verb not in FOR_ALL or len(words) > 1:
            raise _MisusedError(texts.all_with(FOR_ALL))
        with printer.progress() as progress:
            return _rated(await managed(desk, each(desk, verb, texts, progress)))
    if verb in SHELL_VERBS:
        return await _shell_verb(desk, verb, words[1:], texts, printer)
    try:
        call = parse(line)
    except MisuseError:
        return await perform(desk, line), MISUSED
    if call.verb.name == "help":
        return await _help(desk, line, str(call.arguments.get("verb", "")), texts), DONE
    return _rated(await managed(desk, carry_out(desk, replace(call, secrets=secrets))))


async def _shell_verb(
    desk: Desk, verb: str, words: Sequence[str], texts: ShellTexts, printer: Printer
) -> tuple[Answer, int]:
    usage = texts.verb(desk.root, verb)
    if {"-h", "--help"} & set(words):
        return Answer(usage), DONE
    answer = await SHELL_VERBS[verb](desk, words, texts, printer)
    return (Answer(usage, failed=True), MISUSED) if answer is None else _rated(answer)


def _rated(answer: Answer) -> tuple[Answer, int]:
    return answer, FAILED if answer.failed or answer.alarming else DONE


async def _help(desk: Desk, line: str, about: str, texts: ShellTexts) -> Answer:
    if about in SHELL_VERBS:
        return Answer(texts.verb(desk.root, about))
    parts = [(await perform(desk, line)).text]
    if about not in VERBS:
        parts.append(texts.verbs(desk.root))
    if about not in VERBS or about in _WITH_SECRETS:
        parts += ["", texts.options()]
    return Answer("\n".join(parts))
