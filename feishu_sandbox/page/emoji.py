"""Feishu's `emoji_type` names and the glyph this page shows for each.

Names as listed by Feishu ("表情文案说明", im-v1/message-reaction/emojis-introduce). Its pictures are its
own, so the page shows the nearest Unicode character. A name missing here is shown as `:NAME:`.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["GLYPHS", "PALETTE", "glyph"]

GLYPHS: Mapping[str, str] = MappingProxyType(
    {
        "OK": "👌", "THUMBSUP": "👍", "THANKS": "🙏", "MUSCLE": "💪", "FINGERHEART": "🫰", "APPLAUSE": "👏",
        "FISTBUMP": "👊", "JIAYI": "➕", "DONE": "✅", "SMILE": "😄", "BLUSH": "😊", "LAUGH": "😆",
        "SMIRK": "😏", "LOL": "🤣", "FACEPALM": "🤦", "LOVE": "😍", "WINK": "😉", "PROUD": "😌",
        "WITTY": "🤓", "SMART": "🧐", "SCOWL": "😠", "THINKING": "🤔", "SOB": "😭", "CRY": "😢",
        "ERROR": "❌", "NOSEPICK": "🥱", "HAUGHTY": "😤", "SLAP": "🫷", "SPITBLOOD": "🤮", "TOASTED": "🥵",
        "GLANCE": "👀", "DULL": "😶", "INNOCENTSMILE": "😇", "JOYFUL": "😁", "WOW": "😮", "TRICK": "😜",
        "YEAH": "✌️", "ENOUGH": "😑", "TEARS": "🥲", "EMBARRASSED": "😳", "KISS": "😘", "SMOOCH": "💋",
        "DROOL": "🤤", "OBSESSED": "🤩", "MONEY": "🤑", "TEASE": "😝", "SHOWOFF": "😎", "COMFORT": "🤗",
        "CLAP": "👏", "PRAISE": "🙌", "STRIVE": "✊", "XBLUSH": "☺️", "SILENT": "🤐", "WAVE": "👋",
        "EATING": "😋", "WHAT": "😯", "FROWN": "☹️", "DULLSTARE": "😳", "DIZZY": "😵", "LOOKDOWN": "🙄",
        "CHUCKLE": "🤭", "WAIL": "😫", "CRAZY": "🤪", "WHIMPER": "🥺", "HUG": "🫂", "BLUBBER": "😿",
        "WRONGED": "😞", "HUSKY": "🐶", "SHHH": "🤫", "SMUG": "😼", "ANGRY": "😡", "HAMMER": "🔨",
        "SHOCKED": "😱", "TERROR": "😨", "PETRIFIED": "🗿", "SKULL": "💀", "SWEAT": "😅", "SPEECHLESS": "😓",
        "SLEEP": "😴", "DROWSY": "😪", "YAWN": "🥱", "SICK": "🤒", "PUKE": "🤢", "BETRAYED": "💔",
        "HEADSET": "🎧", "EatingFood": "🍚", "MeMeMe": "🙋", "Sigh": "😮‍💨", "Typing": "⌨️", "Lemon": "🍋",
        "Get": "💡", "LGTM": "🆗", "OnIt": "🫡", "OneSecond": "⏱️", "VRHeadset": "🥽", "YouAreTheBest": "🏆",
        "SALUTE": "🫡", "SHAKE": "🤝", "HIGHFIVE": "🙏", "UPPERLEFT": "↖️", "ThumbsDown": "👎", "SLIGHT": "🙂",
        "TONGUE": "😛", "EYESCLOSED": "😑", "RoarForYou": "🦁", "CALF": "🐮", "BEAR": "🐻", "BULL": "🐂",
        "RAINBOWPUKE": "🌈", "ROSE": "🌹", "HEART": "❤️", "PARTY": "🎉", "LIPS": "👄", "BEER": "🍺",
        "CAKE": "🎂", "GIFT": "🎁", "CUCUMBER": "🥒", "Drumstick": "🍗", "Pepper": "🌶️", "CANDIEDHAWS": "🍡",
        "BubbleTea": "🧋", "Coffee": "☕", "Yes": "✔️", "No": "🙅", "OKR": "🎯", "CheckMark": "✔️",
        "CrossMark": "✖️", "MinusOne": "➖", "Hundred": "💯", "AWESOMEN": "🔥", "Pin": "📌", "Alarm": "⏰",
        "Loudspeaker": "📢", "Trophy": "🏆", "Fire": "🔥", "BOMB": "💣", "Music": "🎵", "XmasTree": "🎄",
        "Snowman": "⛄", "XmasHat": "🎅", "FIREWORKS": "🎆", "2022": "🎊", "REDPACKET": "🧧", "FORTUNE": "🪙",
        "LUCK": "🍀", "FIRECRACKER": "🧨", "HEARTBROKEN": "💔", "POOP": "💩", "StickyRiceBalls": "🍡",
        "GeneralSun": "🌞", "GeneralMoonRest": "🌙", "GeneralWorkFromHome": "🏠", "GeneralBusinessTrip": "✈️",
        "Status_PrivateMessage": "💬", "StatusInFlight": "🛫", "StatusReading": "📖", "StatusEnjoyLife": "🏖️",
        "CLEAVER": "🔪", "Soccer": "⚽", "Basketball": "🏀", "Pumpkin": "🎃",
        "MoonRabbit": "🐇", "Mooncake": "🥮",
    }
)  # fmt: skip

PALETTE = (
    "THUMBSUP", "OK", "DONE", "HEART", "SMILE", "LOL", "APPLAUSE", "PARTY",
    "THANKS", "MUSCLE", "THINKING", "SOB", "JIAYI", "Fire", "Typing", "ERROR",
)  # fmt: skip
"""What the picker offers, in its order."""


def glyph(emoji_type: str) -> str:
    """The character shown for a Feishu `emoji_type`; unknown names come back as `:NAME:`."""
    return GLYPHS.get(emoji_type) or f":{emoji_type}:"
