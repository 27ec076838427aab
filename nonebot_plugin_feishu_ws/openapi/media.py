"""Uploads and downloads: what the forms look like, and what a file is called."""

from io import BytesIO
from pathlib import PurePath
from typing import Literal

from aiohttp import FormData, multipart

from .answers import Answer
from .models import Download
from .transport import Form

FileType = Literal["opus", "mp4", "pdf", "doc", "xls", "ppt", "stream"]
"""What im-v1/file/create knows; everything else is `stream`."""

_FILE_TYPES: dict[str, FileType] = {
    "opus": "opus",
    "mp4": "mp4",
    "pdf": "pdf",
    "doc": "doc",
    "docx": "doc",
    "xls": "xls",
    "xlsx": "xls",
    "ppt": "ppt",
    "pptx": "ppt",
}


def file_type_of(file_name: str) -> FileType:
    """Feishu's file type by the name's suffix."""
    return _FILE_TYPES.get(PurePath(file_name).suffix[1:].lower(), "stream")


def image_form(content: bytes, file_name: str) -> Form:
    """The form of im-v1/image/create, for use in messages."""

    def build() -> FormData:
        form = _form()
        form.add_field("image_type", "message")
        _add_file(form, "image", content, file_name)
        return form

    return build


def file_form(content: bytes, file_name: str, file_type: FileType, duration: int | None) -> Form:
    """The form of im-v1/file/create; duration in milliseconds."""

    def build() -> FormData:
        form = _form()
        form.add_field("file_type", file_type)
        form.add_field("file_name", file_name)
        if duration is not None:
            form.add_field("duration", str(duration))
        _add_file(form, "file", content, file_name)
        return form

    return build


def download_of(answer: Answer) -> Download:
    """The file in an answer."""
    disposition = answer.headers.get("Content-Disposition")
    _, parameters = multipart.parse_content_disposition(disposition)
    return Download(
        answer.body,
        answer.headers.get("Content-Type", ""),
        multipart.content_disposition_filename(parameters) or "",
    )


def _form() -> FormData:
    # Quoting would percent-encode Chinese names, and Feishu would show them so.
    return FormData(quote_fields=False)


def _add_file(form: FormData, name: str, content: bytes, file_name: str) -> None:
    # As a stream: aiohttp writes bytes in one go, blocking the loop, and warns of it above 1 MiB.
    stream = BytesIO(content)
    form.add_field(name, stream, filename=_header_safe(file_name), content_type="application/octet-stream")


def _header_safe(name: str) -> str:
    """A name that cannot end the quoted string or the header it stands in."""
    return "".join("_" if char in '"\\' or not char.isprintable() else char for char in name)
