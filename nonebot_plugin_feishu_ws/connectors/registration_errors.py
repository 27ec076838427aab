"""Why a scan-to-create registration brought no app.

RegistrationError
├── RegistrationUnsupported   this platform is not known to have it
├── RegistrationUnreachable   no usable answer; while waiting, only if that lasted to the end
├── RegistrationDenied        the person said no
├── RegistrationExpired       nobody confirmed in time
└── RegistrationRefused       Feishu said something else; `code`, `description`
"""

from collections.abc import Iterable


class RegistrationError(Exception):
    """Base; no app was handed to us."""


class RegistrationUnsupported(RegistrationError):
    """Attributes:
    host: of the platform whose accounts host is not known.
    """

    def __init__(self, host: str, known: Iterable[str]) -> None:
        super().__init__(f"scan-to-create is not known for {host}, only for: {', '.join(known)}")
        self.host = host


class RegistrationUnreachable(RegistrationError):
    """Attributes:
    host: that was asked.
    reason: what went wrong, in English.
    """

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host}: {reason}")
        self.host = host
        self.reason = reason


class RegistrationDenied(RegistrationError):
    pass


class RegistrationExpired(RegistrationError):
    pass


class RegistrationRefused(RegistrationError):
    """Attributes:
    code: OAuth's `error`.
    description: Feishu's own words, may be empty.
    """

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
