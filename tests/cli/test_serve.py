"""``rnnviz serve``: what it prints, what it opens, and where it listens."""

from __future__ import annotations

import threading
import urllib.request
import webbrowser
from pathlib import Path

import pytest

from rnnviz import network_addresses
from rnnviz.cli import run, serve
from rnnviz.web import server, site
from rnnviz.web.server import FileServer


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The addresses that the browser was asked to open; the command then ends."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("first")
    (folder / "app.html").write_text("app")
    monkeypatch.setattr(site, "build_site", lambda *args, **options: folder)
    monkeypatch.setattr(FileServer, "serve_forever", lambda self, poll_interval=0.5: None)
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", asked.append)
    return asked


def test_it_prints_the_address_and_opens_it(
    opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--port", "0"]) == 0
    out, err = capsys.readouterr()
    assert opened == [out.strip()] and opened[0].startswith("http://localhost:")
    assert "ctrl+c" in err and "network" not in err


def test_a_command_line_is_part_of_the_address(
    opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["step", "--view", "reach", "--lang", "tr", "it's ğ & good"]
    assert run(["serve", "--port", "0", "--no-open", "-q", *args]) == 0
    address = capsys.readouterr().out.strip()
    line = urllib.request.url2pathname(address.partition("?")[2])
    assert "/app.html?" in address and opened == []
    assert line == "step --view reach --lang tr 'it'\"'\"'s ğ & good'"


def test_another_host_is_said_aloud_with_every_address(
    opened: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_addresses, "own_addresses", lambda host: ["192.168.7.5"])
    assert run(["serve", "--host", "0.0.0.0", "--port", "0"]) == 0
    out, err = capsys.readouterr()
    assert "Every machine in this network" in err
    assert out.startswith("http://192.168.7.5:")
    assert opened[0].startswith("http://localhost:")


def test_an_address_that_is_none_or_taken_is_a_usage_error(
    opened: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--host", "203.0.113.77", "--port", "0"]) == 2
    with FileServer(tmp_path) as taken:
        assert run(["serve", "--port", str(taken.port)]) == 2
    assert "Cannot listen" in capsys.readouterr().err


def test_without_a_port_a_free_one_is_taken(
    opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FileServer(tmp_path) as taken:
        monkeypatch.setattr(serve, "PORT", taken.port)
        assert run(["serve"]) == 0
        assert not opened[0].endswith(f":{taken.port}/")


def test_export_prints_the_folder_and_ends(
    opened: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--export", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "site") and opened == []


def test_a_folder_of_export_is_served_with_what_lies_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built: list[Path] = []

    def build(folder: Path, *rest: object, **options: object) -> Path:
        built.append(folder)
        return folder

    served: list[bool] = []
    monkeypatch.setattr(site, "build_site", build)
    monkeypatch.setattr(
        FileServer,
        "serve_forever",
        lambda self, poll_interval=0.5: served.append("reports/a.html" in self.folder),
    )
    (tmp_path / "site" / "reports").mkdir(parents=True)
    (tmp_path / "site" / "reports" / "a.html").write_text("mine")
    args = ["serve", "--folder", str(tmp_path / "site"), "--port", "0", "--no-open"]
    assert run(args) == 0
    assert built == [tmp_path / "site"] and served == [True]
    assert run([*args, "--export", str(tmp_path / "other")]) == 2
    assert "--folder" in capsys.readouterr().err and len(built) == 1


def test_it_listens_on_loopback_unless_told_otherwise(
    opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bound: list[str] = []
    made = server.FileServer.__init__

    def watched(self: FileServer, *args: object, **options: object) -> None:
        made(self, *args, **options)  # type: ignore[arg-type]
        bound.append(str(self.server_address[0]))

    monkeypatch.setattr(server.FileServer, "__init__", watched)
    assert run(["serve", "--port", "0"]) == 0
    assert run(["serve", "--port", "0", "--host", "0.0.0.0"]) == 0
    assert bound == ["127.0.0.1", "0.0.0.0"]


def test_served_from_start_to_end(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("first")
    with FileServer(tmp_path) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.02,))
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{serving.port}/") as answer:
            assert answer.read() == b"first"
        serving.shutdown()
        thread.join()
