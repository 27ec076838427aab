"""The verbs that find out: what is wrong with a connector, what became of a message."""

from ..connectors import CheckOutcome
from ..delivery import why as story_of
from ..texts.doctor import DoctorTexts, WhyTexts
from .answer import Answer, Table
from .desk import Desk
from .grammar import Call


async def doctor(desk: Desk, call: Call) -> Answer:
    """Check everything about a connector, and say what to do.

    Raises:
        UnknownConnector: There is none of that name.
        DatabaseUnavailable: Nobody knows now.
    """
    name = str(call.arguments["name"])
    connector, reported, checks = await desk.management.examine(desk.actor, name)
    texts = DoctorTexts(desk.texts.locale)
    rows = tuple(
        (texts.outcome(check.outcome), texts.title(check.name), *texts.check(check)) for check in checks
    )
    lines: list[str] = []
    for outcome, title, headline, todo in rows:
        lines.append(f"{outcome} {title}: {headline}" if headline else f"{outcome} {title}")
        if todo:
            lines.append(f"  → {todo}")
    data = [
        {
            "check": check.name.value,
            "outcome": check.outcome.value,
            "facts": dict(check.facts),
            "todo": texts.check(check).todo,
        }
        for check in checks
    ]
    table = Table(desk.texts.check_columns(), rows)
    alarming = any(check.outcome is CheckOutcome.PROBLEM for check in checks)
    return Answer("\n".join(lines), data, table, ((connector, reported),), alarming=alarming)


async def why(desk: Desk, call: Call) -> Answer:
    """Tell what became of a message: every filter's verdict, who took it, what was answered.

    Raises:
        DatabaseUnavailable: Nobody knows now.
    """
    management, message_id = desk.management, str(call.arguments["message_id"])
    mine = [connector.spec.app_id for connector in await management.service.visible(desk.actor)]
    stories = await story_of(management.database, management.logbook, message_id, mine)
    texts = WhyTexts(desk.texts.locale)
    if not stories:
        return Answer(texts.unknown(message_id), {"error": "UnknownMessage"}, failed=True)
    told = [texts.story(story) for story in stories]
    data = [
        {"app_id": story.app_id, "connector": story.connector, "message_id": message_id, "story": lines}
        for story, lines in zip(stories, told, strict=True)
    ]
    return Answer("\n\n".join("\n".join(lines) for lines in told), data)
