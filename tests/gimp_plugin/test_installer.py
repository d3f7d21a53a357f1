"""The installer: which profiles it finds on every system, what it writes, what it says, and that it leaves nothing."""

from __future__ import annotations

import argparse
import json
import os
import plistlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gimp_plugin import installer
from gimp_plugin.installer import InstallerError, System, interpreter, settings
from gimp_plugin.installer.profiles import Profile, find_profiles, find_programs, profile_at
from local_server.settings import state_folder
from vanisher_core.cli import Parser
from vanisher_core.commands import gimp
from vanisher_core.errors import OutputError, UsageError

SOURCES = Path(installer.__file__).parents[1]


def program(folder: Path, *names: str) -> None:
    """Plants executables; nothing ever runs them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch(mode=0o755)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file and empty folder below a folder."""
    paths = sorted(folder.rglob("*"))
    empty = {
        f"{path.relative_to(folder)}/": b"" for path in paths if path.is_dir() and not any(path.iterdir())
    }
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()} | empty


@pytest.fixture
def linux(tmp_path: Path) -> System:
    """A Linux home and an empty root; no GIMP yet."""
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    return System("linux", tmp_path / "home", {"PATH": str(tmp_path / "bin")}, tmp_path / "root")


@pytest.fixture
def profile(linux: System) -> Path:
    """A profile of GIMP 3.0 that has been used, and no program that uses it."""
    folder = linux.home / ".config" / "GIMP" / "3.0"
    (folder / "plug-ins" / "other").mkdir(parents=True)
    (folder / "plug-ins" / "other" / "other.py").write_text("print()", encoding="utf-8")
    (folder / "gimprc").write_text('(config-version "3.0.4")\n', encoding="utf-8")
    return folder


# Where profiles are


def found(system: System) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(str(one.path), one.version, one.builds) for one in find_profiles(system)]


def test_linux_profiles_of_every_supported_version(linux: System) -> None:
    config = linux.home / ".config" / "GIMP"
    for version in ("2.8", "2.10", "2.99", "3.0", "3.2", "tmp"):
        (config / version).mkdir(parents=True)
    program(linux.root / "usr" / "bin", "gimp", "gimp-3.2", "gimp-console-3.2", "gimptool-3.0")
    assert found(linux) == [
        (str(config / "2.10"), "2.10", ()),
        (str(config / "3.0"), "3.0", ()),
        (str(config / "3.2"), "3.2", ("system",)),
    ]


def test_linux_obeys_xdg_config_home(linux: System, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "GIMP" / "3.0").mkdir(parents=True)
    moved = System("linux", linux.home, {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}, linux.root)
    assert found(moved) == [(str(tmp_path / "elsewhere" / "GIMP" / "3.0"), "3.0", ())]


@pytest.mark.parametrize("place", ["home/.local/share", "root/var/lib"])
def test_a_flatpak_uses_its_own_folder_until_there_is_a_shared_one(
    linux: System, tmp_path: Path, place: str
) -> None:
    program(
        tmp_path / place / "flatpak" / "app" / "org.gimp.GIMP" / "current" / "active" / "files" / "bin",
        "gimp-3.0",
    )
    own = linux.home / ".var" / "app" / "org.gimp.GIMP" / "config" / "GIMP" / "3.0"
    assert found(linux) == [(str(own), "3.0", ("flatpak",))]
    (linux.home / ".config" / "GIMP").mkdir(parents=True)
    assert found(linux) == [(str(linux.home / ".config" / "GIMP" / "3.0"), "3.0", ("flatpak",))]
    program(tmp_path / "bin", "gimp-3.0")
    assert found(linux) == [(str(linux.home / ".config" / "GIMP" / "3.0"), "3.0", ("system", "flatpak"))]


def test_snap(linux: System) -> None:
    program(linux.root / "snap" / "gimp" / "current" / "usr" / "bin", "gimp-3.0", "gimp-console-3.0")
    path = linux.home / "snap" / "gimp" / "current" / ".config" / "GIMP" / "3.0"
    assert found(linux) == [(str(path), "3.0", ("snap",))]


def test_windows(tmp_path: Path) -> None:
    env = {name: str(tmp_path / name) for name in ("APPDATA", "LOCALAPPDATA", "ProgramFiles")}
    system = System("win32", tmp_path / "home", env)
    program(tmp_path / "ProgramFiles" / "GIMP 3" / "bin", "gimp-3.0.exe", "gimp-console-3.0.exe")
    program(tmp_path / "LOCALAPPDATA" / "Programs" / "GIMP 2" / "bin", "gimp-2.10.exe")
    roaming = tmp_path / "APPDATA" / "GIMP"
    assert found(system) == [
        (str(roaming / "2.10"), "2.10", ("windows",)),
        (str(roaming / "3.0"), "3.0", ("windows",)),
    ]
    store = (
        tmp_path
        / "LOCALAPPDATA"
        / "Packages"
        / "GIMP.43237F745E622_x"
        / "LocalCache"
        / "Roaming"
        / "GIMP"
        / "3.2"
    )
    store.mkdir(parents=True)
    assert (str(store), "3.2", ()) in found(system)


def test_windows_without_variables_starts_at_home(tmp_path: Path) -> None:
    folder = tmp_path / "AppData" / "Roaming" / "GIMP" / "3.0"
    folder.mkdir(parents=True)
    assert found(System("win32", tmp_path, {})) == [(str(folder), "3.0", ())]


def test_macos_reads_the_version_of_the_bundle(tmp_path: Path) -> None:
    system = System("darwin", tmp_path / "home", {}, tmp_path)
    for name, text in (("GIMP.app", "3.0.4"), ("GIMP-2.10.app", "2.10.38"), ("GIMP-broken.app", "x")):
        contents = tmp_path / "Applications" / name / "Contents"
        contents.mkdir(parents=True)
        (contents / "Info.plist").write_bytes(plistlib.dumps({"CFBundleShortVersionString": text}))
    (tmp_path / "Applications" / "GIMP-none.app").mkdir()
    support = tmp_path / "home" / "Library" / "Application Support" / "GIMP"
    assert found(system) == [
        (str(support / "2.10"), "2.10", ("macos",)),
        (str(support / "3.0"), "3.0", ("macos",)),
    ]


@pytest.mark.parametrize("text", ["profile", "/absolute/profile"])
def test_gimp3_directory_replaces_the_profile(linux: System, tmp_path: Path, text: str) -> None:
    program(tmp_path / "bin", "gimp-3.0", "gimp-2.10")
    moved = System("linux", linux.home, {**linux.env, "GIMP3_DIRECTORY": text}, linux.root)
    where = {
        version: str(path)
        for path, version, _ in ((one.path, one.version, 0) for one in find_profiles(moved))
    }
    assert where == {"3.0": str(linux.home / text), "2.10": str(linux.home / ".config" / "GIMP" / "2.10")}


def test_a_profile_of_another_name_is_known_by_its_gimprc(tmp_path: Path) -> None:
    (tmp_path / "gimprc").write_text('(config-version "2.10.36")', encoding="utf-8")
    assert profile_at(tmp_path).is_python2
    (tmp_path / "gimprc").write_text('# (config-version "nonsense")', encoding="utf-8")
    assert profile_at(tmp_path).version == "3.0"


NAMES = st.sampled_from(
    ["gimp-3.0", "gimp-3.2.exe", "gimp-console-2.10", "gimp-3", "gimp", "gimp-3.0.desktop", "gimpx-3.0"]
)


@given(names=st.sets(NAMES), platform=st.sampled_from(["linux", "win32", "darwin"]))
def test_whatever_lies_there_finding_never_fails(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], platform: str
) -> None:
    base = tmp_path_factory.mktemp("any")
    program(base / "usr" / "bin", *names)
    system = System(platform, base / "home", {}, base)
    versions = {one.version for one in find_programs(system)}
    expected = {"gimp-3.0": "3.0", "gimp-3.2.exe": "3.2", "gimp-console-2.10": "2.10"}
    assert versions == ({expected[name] for name in names & set(expected)} if platform == "linux" else set())


# What install, upgrade and uninstall do


def test_install_puts_every_file_where_gimp_looks_and_touches_nothing_else(
    linux: System, profile: Path
) -> None:
    before = tree(profile)
    (report,) = installer.install(system=linux)
    place = profile / "plug-ins" / "vanisher"
    assert (report.installed, report.seen, report.problems, report.failed) == (True, True, (), "")
    assert os.access(place / "vanisher.py", os.X_OK)
    source = SOURCES / "plug-ins" / "vanisher"
    wanted = {name: data for name, data in tree(source).items() if "__pycache__" not in name}
    assert tree(place) == wanted
    written = json.loads((profile / "vanisher.json").read_text(encoding="utf-8"))
    assert Path(written["command"][0]).is_absolute() and Path(written["command"][0]).exists()
    assert written["command"][-1] == "serve"
    after = tree(profile)
    assert {name: data for name, data in after.items() if "vanisher" not in name} == before
    (again,) = installer.status(system=linux)
    assert again == report


def test_uninstall_leaves_nothing(linux: System, profile: Path) -> None:
    before = tree(linux.home)
    installer.install(system=linux)
    (profile / "plug-ins" / "vanisher" / "__pycache__").mkdir()
    (profile / "plug-ins" / "vanisher" / "__pycache__" / "x.pyc").write_bytes(b"x")
    values = settings.read(profile_at(profile)) or {}
    (profile / "vanisher.json").write_text(json.dumps({**values, "last": {"grow": 4}}), encoding="utf-8")
    (report,) = installer.uninstall(system=linux)
    assert not report.installed and tree(linux.home) == before
    assert installer.uninstall(system=linux) == []


def test_a_gimp_that_never_started_gets_its_folder_and_loses_it_again(linux: System, tmp_path: Path) -> None:
    program(tmp_path / "bin", "gimp-2.10")
    folder = linux.home / ".config" / "GIMP" / "2.10"
    (report,) = installer.install(system=linux)
    assert report.installed and os.access(folder / "plug-ins" / "vanisher.py", os.X_OK)
    assert any("never started" in note for note in report.notes)
    installer.uninstall(system=linux)
    assert not folder.exists()


def test_settings_of_an_older_gimp_are_not_cut_off(linux: System, profile: Path, tmp_path: Path) -> None:
    """GIMP takes over an older profile only while its own folder is missing."""
    program(tmp_path / "bin", "gimp-3.2")
    old, new = installer.install(system=linux)
    assert old.installed and not new.installed and "start it once" in new.failed
    assert not (profile.parent / "3.2").exists()


def test_an_upgrade_keeps_what_the_user_changed(linux: System, profile: Path) -> None:
    installer.install(system=linux)
    place, file = profile / "plug-ins" / "vanisher", profile / "vanisher.json"
    (place / "vanisher.py").write_text("#!/usr/bin/env python3\n# an older one\n", encoding="utf-8")
    (place / "gone.py").write_text("", encoding="utf-8")
    values = json.loads(file.read_text(encoding="utf-8"))
    assert "state" not in values  # the plug-in knows the usual folder itself
    values["command"], values["colour"], values["last"] = ["/my/own", "serve"], "red", {"grow": 4}
    file.write_text(json.dumps(values), encoding="utf-8")
    assert any("another version" in text for text in installer.status(system=linux)[0].problems)
    moved = System("linux", linux.home, {**linux.env, "VANISHER_STATE": "/elsewhere"}, linux.root)
    (report,) = installer.install(system=moved)
    now = json.loads(file.read_text(encoding="utf-8"))
    assert (now["command"], now["colour"], now["state"]) == (["/my/own", "serve"], "red", "/elsewhere")
    assert now["last"] == {"grow": 4} and report.installed and not (place / "gone.py").exists()
    assert any("colour, command" in note for note in report.notes)
    installer.install(system=linux)
    assert "state" not in json.loads(file.read_text(encoding="utf-8"))  # nor is an old one kept
    (left,) = installer.uninstall(system=linux)
    assert not left.installed and file.exists() and any("stays" in note for note in left.notes)


def test_gimp_2_10_gets_one_file(linux: System) -> None:
    folder = linux.home / ".config" / "GIMP" / "2.10"
    folder.mkdir(parents=True)
    (report,) = installer.install(system=linux)
    assert report.seen and tree(folder).keys() == {"plug-ins/vanisher.py", "vanisher.json"}
    installer.uninstall(system=linux)
    assert list(folder.parent.iterdir()) == []


def test_a_foreign_plug_in_of_our_name_is_left_alone(linux: System, profile: Path) -> None:
    place = profile / "plug-ins" / "vanisher"
    place.mkdir()
    (place / "mine.txt").write_text("mine", encoding="utf-8")
    (report,) = installer.install(system=linux)
    assert "not Vanisher's" in report.failed and tree(place) == {"mine.txt": b"mine"}
    assert "not Vanisher's" in installer.uninstall(profile, linux)[0].failed


def test_a_link_of_a_developer_is_replaced_not_followed(linux: System, profile: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "vanisher.py").write_text("mine", encoding="utf-8")
    (profile / "plug-ins" / "vanisher").symlink_to(tmp_path / "work")
    installer.install(system=linux)
    assert not (profile / "plug-ins" / "vanisher").is_symlink()
    (profile / "plug-ins" / "vanisher" / "vanisher.py").unlink()
    assert tree(tmp_path / "work") == {"vanisher.py": b"mine"}


def test_a_failed_copy_leaves_the_old_one(
    linux: System, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer.install(system=linux)
    before = tree(profile)
    monkeypatch.setattr(interpreter, "adapt", _no_space)
    (report,) = installer.install(system=linux)
    assert "No space left" in report.failed and report.installed
    assert tree(profile) == before


def test_a_failed_first_copy_leaves_no_folder(
    linux: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "gimp-3.0")
    monkeypatch.setattr(interpreter, "adapt", _no_space)
    assert installer.install(system=linux)[0].failed
    assert list(linux.home.iterdir()) == []


def _no_space(*_: object) -> bytes:
    raise OSError(28, "No space left on device")


def test_damaged_settings_are_said_to_be_so(linux: System, profile: Path) -> None:
    (profile / "vanisher.json").write_text("{", encoding="utf-8")
    assert "cannot be read" in installer.install(system=linux)[0].failed
    assert "cannot be read" in " ".join(installer.status(system=linux)[0].notes)
    assert (profile / "vanisher.json").read_text(encoding="utf-8") == "{"


def test_no_gimp_says_where_it_looked_and_what_to_do(linux: System) -> None:
    with pytest.raises(InstallerError, match=r"(?s)\.config/GIMP.*--profile"):
        installer.install(system=linux)
    assert installer.status(system=linux) == installer.uninstall(system=linux) == []


def test_a_snap_gets_a_state_folder_that_it_can_read(linux: System) -> None:
    program(linux.root / "snap" / "gimp" / "current" / "usr" / "bin", "gimp-3.0")
    (report,) = installer.install(system=linux)
    state = str(linux.home / "snap" / "gimp" / "common" / "vanisher")
    values = json.loads((Path(report.profile) / "vanisher.json").read_text(encoding="utf-8"))
    assert values["state"] == state and values["command"][-2:] == ["--state", state]
    assert any(f"vanisher serve --state {state}" in note for note in report.notes)


@pytest.mark.parametrize(
    "variables", [{}, {"XDG_STATE_HOME": "/s"}, {"VANISHER_STATE": "/v"}, {"LOCALAPPDATA": "/l"}]
)
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_state_folder_is_the_daemons(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variables: dict[str, str]
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert settings.state_folder(System(platform, tmp_path, variables)) == state_folder(variables)


# What status says


def broken(profile: Path, how: str) -> None:
    place = profile / "plug-ins" / "vanisher"
    if how == "mode":
        (place / "vanisher.py").chmod(0o644)
    elif how == "name":
        place.rename(place.with_name("vanisher-0.1"))
    elif how == "loose":
        (place / "vanisher.py").rename(place.with_name("vanisher.py"))
        for path in place.iterdir():
            path.unlink()
        place.rmdir()
    elif how == "helper":
        next(path for path in sorted(place.glob("*.py")) if path.name != "vanisher.py").unlink()
    elif how == "absent":
        for path in place.iterdir():
            path.unlink()
        place.rmdir()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("mode", "not executable"),
        ("name", "not called like"),
        ("loose", "no folder of its own"),
        ("helper", "another version"),
        ("absent", "not installed"),
    ],
)
def test_status_says_why_gimp_does_not_see_it_and_install_mends_it(
    linux: System, profile: Path, how: str, says: str
) -> None:
    installer.install(system=linux)
    broken(profile, how)
    (report,) = installer.status(system=linux)
    assert (
        not report.seen
        and says in " ".join(report.problems)
        and "vanisher gimp install" in report.problems[0]
    )
    (mended,) = installer.install(system=linux)
    assert mended.seen


def python(path: Path, imports: bool) -> None:
    """A python3 that can, or cannot, import what the plug-in needs."""
    script = (
        "#!/bin/sh\nexit 0\n" if imports else "#!/bin/sh\necho 'has no module gi: install it' >&2\nexit 1\n"
    )
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def fresh_probes() -> Iterator[None]:
    interpreter.why_not.cache_clear()
    yield
    interpreter.why_not.cache_clear()


@pytest.mark.usefixtures("fresh_probes")
@pytest.mark.parametrize(("first", "own"), [(True, True), (True, False), (False, True), (False, False)])
def test_a_python_without_gi_first_in_path(
    linux: System, profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool, own: bool
) -> None:
    program(tmp_path / "bin", "gimp-3.0")
    python(tmp_path / "bin" / "python3", first)
    python(tmp_path / "system-python3", own)
    monkeypatch.setattr(interpreter, "SYSTEM_PYTHON", str(tmp_path / "system-python3"))
    (report,) = installer.install(system=linux)
    line = (profile / "plug-ins" / "vanisher" / "vanisher.py").read_bytes().partition(b"\n")[0].decode()
    assert report.seen == (first or own)
    assert line == (f"#!{tmp_path}/system-python3" if own and not first else "#!/usr/bin/env python3")
    if not report.seen:
        assert (
            "has no module gi" in report.problems[0]
            and str(tmp_path / "bin" / "python3") in report.problems[0]
        )


@pytest.mark.usefixtures("fresh_probes")
def test_the_probe_tells_a_real_python_without_gi(tmp_path: Path) -> None:
    assert "has no module gi" in interpreter.why_not(sys.executable)
    assert interpreter.why_not(str(tmp_path / "none")) == "does not start"


def test_a_gimp_2_10_without_python_fu(linux: System, tmp_path: Path) -> None:
    program(tmp_path / "usr" / "bin", "gimp-2.10")
    system = System("linux", linux.home, {"PATH": str(tmp_path / "usr" / "bin")}, linux.root)
    (report,) = installer.install(system=system)
    assert not report.seen and "without Python-Fu" in report.problems[0]
    (tmp_path / "usr" / "lib" / "x" / "gimp" / "2.0" / "python").mkdir(parents=True)
    (tmp_path / "usr" / "lib" / "x" / "gimp" / "2.0" / "python" / "gimpfu.py").touch()
    assert installer.status(system=system)[0].seen


# The command


@pytest.fixture
def vanisher(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `vanisher gimp ...`; the installer is found as an installed package's would be."""
    entry = EntryPoint("installer", "gimp_plugin.installer", gimp.GROUP)
    monkeypatch.setattr(gimp, "entry_points", lambda group: [entry] if group == gimp.GROUP else [])

    def run(*words: object) -> int:
        parser = Parser(prog="vanisher")
        gimp.register(parser.add_subparsers(required=True))
        arguments: argparse.Namespace = parser.parse_args(["gimp", *map(str, words)])
        return arguments.run(arguments)

    return run


def test_the_command_from_install_to_uninstall(
    vanisher: Any, profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vanisher("status", "--profile", profile, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False and told["profiles"][0]["seen"] is False
    assert vanisher("install", "--profile", profile) == 0
    out = capsys.readouterr().out
    assert out.startswith("ok      GIMP 3.0") and "Filters > Vanisher" in out
    assert vanisher("status", "--profile", profile, "--json") == 0
    assert json.loads(capsys.readouterr().out)["profiles"][0]["plug_in"] == str(
        profile / "plug-ins" / "vanisher"
    )
    assert vanisher("uninstall", "--profile", profile) == 0
    assert capsys.readouterr().out.startswith("gone    GIMP 3.0")
    assert vanisher("uninstall", "--profile", profile) == 0
    assert "nowhere" in capsys.readouterr().out


def test_the_command_finds_this_users_profiles(
    vanisher: Any,
    profile: Path,
    linux: System,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(System, "current", classmethod(lambda cls: linux))
    assert vanisher("install", "--json") == 0
    assert json.loads(capsys.readouterr().out)["profiles"][0]["profile"] == str(profile)
    assert (profile / "plug-ins" / "vanisher" / "vanisher.py").exists()


def test_the_commands_errors_are_the_products(
    vanisher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "plug-ins").mkdir()
    for words, says in (
        (("install", "--profile", tmp_path / "file"), "is a file"),
        (("install", "--profile", tmp_path / "plug-ins"), "name the profile"),
        (("status", "--profile", tmp_path / "none"), "no folder"),
    ):
        with pytest.raises(UsageError, match=says):
            vanisher(*words)

    def unwritable(folder: Path | None) -> None:
        raise installer.CannotWrite(f"{folder} is read-only")

    monkeypatch.setattr(installer, "install", unwritable)
    with pytest.raises(OutputError, match="read-only"):
        vanisher("install", "--profile", tmp_path)
    monkeypatch.setattr(gimp, "entry_points", lambda group: [])
    with pytest.raises(UsageError, match="not part of this installation"):
        vanisher("status")


def test_a_profile_is_a_plain_value() -> None:
    one = Profile(Path("p") / "3.0", "3.0")
    assert one.plug_in == Path("p/3.0/plug-ins/vanisher") and one.builds == () and not one.is_python2
