"""Every text a user can read, in Chinese and English, side by side: one module for each room that speaks to people.

What is logged for operators is English and lives where it happens; what is said in a chat, in a shell or on a page
lives here.
"""

from .butler import Texts
from .language import Locale, Spoken, locale_for

__all__ = ["Locale", "Spoken", "Texts", "locale_for"]
