"""A throw-away PostgreSQL for tests, and fixtures that run a test on SQLite and on PostgreSQL.

Load with `pytest_plugins = ["postgres"]`. Where PostgreSQL is not installed the tests that need it are
skipped, except with `CI` in the environment: there they fail.
"""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Postgres:
    """One cluster on 127.0.0.1, with a port the system picked. Usable from the moment it is made."""

    def __init__(self, binaries: Path, directory: Path, options: str) -> None:
        self._binaries = binaries
        self._directory = directory
        self._options = options
        self._as_user: list[str] = []
        self._count = itertools.count()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
            self._as_user = ["runuser", "-u", "postgres", "--"]
        data = str(directory / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.port = 0
        for attempt in itertools.count(1):  # somebody else may take the port in between
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            try:
                self.start()
                break
            except subprocess.CalledProcessError:
                if attempt == 3:
                    raise

    def start(self) -> None:
        """Start the server again, on the same port and with the same data."""
        options = f"-p {self.port} -k {self._directory} -c listen_addresses=127.0.0.1 {self._options}"
        log = str(self._directory / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self._directory / "data"), "-l", log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` as if it crashed, `fast` after telling its clients."""
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self._directory / "data"))

    def create_database(self) -> str:
        """A new, empty database's URL."""
        name = f"test_{next(self._count)}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql+asyncpg://postgres:canary-password@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as superuser; the rows as text."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", statement)

    def _run(self, program: str, *arguments: str) -> str:
        # Output goes to a file: the server inherits it, and a pipe would stay open as long as it runs.
        with tempfile.TemporaryFile() as output:
            command = [*self._as_user, str(self._binaries / program), *arguments]
            subprocess.run(
                command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            output.seek(0)
            return output.read().decode()


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


class NotInstalledError(RuntimeError):
    """PostgreSQL's programs are not there."""


@contextmanager
def running_postgres(options: str = "-c fsync=off") -> Iterator[Postgres]:
    """A cluster, gone at the end.

    Args:
        options: of `postgres`, besides where it is.

    Raises:
        NotInstalledError: there is nothing to run.
    """
    binaries = _binaries()
    if binaries is None:
        raise NotInstalledError("PostgreSQL's programs (initdb, pg_ctl) are not installed")
    directory = Path(tempfile.mkdtemp(prefix="feishu-ws-pg-"))
    try:
        cluster = Postgres(binaries, directory, options)
        yield cluster
        cluster.stop()
    finally:
        # In a process of its own: hundreds of databases are tens of thousands of files.
        subprocess.run(["sh", "-c", 'rm -rf "$0" &', str(directory)], check=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The cluster: one per test session (and xdist worker)."""
    try:
        with running_postgres() as cluster:
            yield cluster
    except NotInstalledError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A new, empty SQLite database's URL."""
    return f"sqlite+aiosqlite:///{tmp_path}/feishu.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A new, empty database: once on SQLite, once on PostgreSQL."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_url")
    return request.getfixturevalue("postgres").create_database()
