"""What a diagnosis and a message's story say, in Chinese and English, side by side. The same in chat and shell."""

from .doctor import Advice, DoctorTexts
from .why import WhyTexts

__all__ = ["Advice", "DoctorTexts", "WhyTexts"]
