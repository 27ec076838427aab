"""Lines of the log that nobody reads are not made."""

import sys

import nonebot
from nonebot import log


def spare_unread_lines() -> None:
    """Have NoneBot's own log sink take only what it shows.

    It asks for everything, and filters out what is below `LOG_LEVEL`: some ten records are made for each message and
    thrown away, a third of the CPU it takes. For the end of NoneBot's start-up. Where somebody has put another sink in
    the place of NoneBot's, nothing is changed.
    """
    try:
        log.logger.remove(log.logger_id)
    except ValueError:
        return
    log.logger_id = log.logger.add(
        sys.stdout,
        level=nonebot.get_driver().config.log_level,
        diagnose=False,
        filter=log.default_filter,
        format=log.default_format,
    )
