"""What a manifest may open, and what the operator may."""

import io
import os
import socket
import threading
from pathlib import Path

import pytest

from runner.files import FileFault, open_below, open_operator


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "campaigns" / "lists").mkdir(parents=True)
    (root / "campaigns" / "lists" / "launch.csv").write_bytes(b"inside")
    (tmp_path / "secret.csv").write_bytes(b"outside")
    return root


def content(root: Path, written: str) -> bytes:
    with open_below(root, root / "campaigns", written) as opened:
        return opened.read()


def fault(root: Path, written: str) -> FileFault:
    with pytest.raises(FileFault) as caught:
        content(root, written)
    return caught.value


def test_a_path_is_relative_to_the_folder_of_the_manifest(root: Path) -> None:
    assert content(root, "lists/launch.csv") == b"inside"


def test_the_name_of_the_open_file_is_its_real_path(root: Path) -> None:
    (root / "short.csv").symlink_to("campaigns/lists/launch.csv")
    with open_below(root, root, "short.csv") as opened:
        assert Path(opened.name) == (root / "campaigns/lists/launch.csv").resolve()


@pytest.mark.parametrize("written", ["../campaigns/lists/launch.csv", "./lists/../lists//launch.csv"])
def test_dots_may_lead_about_below_the_root(root: Path, written: str) -> None:
    assert content(root, written) == b"inside"


@pytest.mark.parametrize("written", ["../../secret.csv", "lists/../../../secret.csv", "../../project/campaigns/x"])
def test_dots_never_lead_out_of_the_root(root: Path, written: str) -> None:
    assert "outside the project" in fault(root, written).message


def test_an_absolute_path_is_taken_below_the_root_only(root: Path, tmp_path: Path) -> None:
    assert content(root, str(root / "campaigns/lists/launch.csv")) == b"inside"
    assert "outside the project" in fault(root, str(tmp_path / "secret.csv")).message
    assert "outside the project" in fault(root, f"{root}/../secret.csv").message


def test_a_manifest_outside_the_root_names_nothing_in_it(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileFault, match="outside the project"):
        open_below(root, tmp_path, "project/campaigns/lists/launch.csv")


@pytest.mark.parametrize("target", ["../../secret.csv", "{tmp}/secret.csv", "/dev/zero", "{root}/../secret.csv"])
def test_a_link_out_of_the_root_is_not_followed(root: Path, tmp_path: Path, target: str) -> None:
    (root / "campaigns" / "link.csv").symlink_to(target.format(tmp=tmp_path, root=root))
    refused = fault(root, "link.csv")
    assert "outside the project" in refused.message
    assert not refused.is_missing
    assert refused.hint is not None
    assert "below its project root" in refused.hint


def test_a_linked_folder_out_of_the_root_is_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "campaigns" / "elsewhere").symlink_to(tmp_path)
    assert "outside the project" in fault(root, "elsewhere/secret.csv").message


@pytest.mark.parametrize("target", ["lists", "../campaigns/lists", "{root}/campaigns/lists"])
def test_a_link_below_the_root_is_fine(root: Path, target: str) -> None:
    (root / "campaigns" / "link").symlink_to(target.format(root=root.resolve()))
    assert content(root, "link/launch.csv") == b"inside"


def test_dots_after_a_linked_folder_go_up_from_where_it_leads(root: Path) -> None:
    (root / "link").symlink_to("campaigns/lists")
    with open_below(root, root, "link/../lists/launch.csv") as opened:
        assert opened.read() == b"inside"


def test_a_loop_of_links_ends(root: Path) -> None:
    (root / "campaigns" / "a").symlink_to("b")
    (root / "campaigns" / "b").symlink_to("a")
    assert "symbolic links" in fault(root, "a").message


def test_a_missing_file_gets_the_nearest_name(root: Path) -> None:
    missing = fault(root, "lists/lunch.csv")
    assert missing.message == 'there is no file "lists/lunch.csv"'
    assert missing.hint == 'did you mean "launch.csv"?'
    assert missing.is_missing
    assert fault(root, "nowhere/zzz").hint is None


def test_a_folder_is_not_a_file(root: Path) -> None:
    assert fault(root, "lists").message == '"lists" is a folder, not a file'
    assert fault(root, "..").message == '".." is a folder, not a file'


def test_a_file_is_not_a_folder(root: Path) -> None:
    assert "is not a folder" in fault(root, "lists/launch.csv/more.csv").message


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(root: Path) -> None:
    os.mkfifo(root / "campaigns" / "pipe.csv")
    assert fault(root, "pipe.csv").message == '"pipe.csv" is a named pipe, not a file'


def test_a_socket_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "campaigns")  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("here.csv")
        assert fault(root, "here.csv").message == '"here.csv" is a socket, not a file'


def test_a_device_is_refused_where_the_root_holds_it() -> None:
    with pytest.raises(FileFault, match="is a device, not a file"):
        open_below(Path("/dev"), Path("/dev"), "zero")


@pytest.mark.parametrize("written", ["", "  ", "a\0b", "x" * 5000])
def test_what_is_no_path_is_a_fault(root: Path, written: str) -> None:
    fault(root, written)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(root: Path) -> None:
    (root / "campaigns/lists/launch.csv").chmod(0)
    assert "permission denied" in fault(root, "lists/launch.csv").message


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "campaigns" / "link").symlink_to(root.resolve() / "campaigns")
    descriptors = Path("/proc/self/fd")
    before = set(descriptors.iterdir()) if descriptors.is_dir() else set()
    content(root, "link/lists/launch.csv")
    fault(root, "link/lists/none.csv")
    fault(root, "../../secret.csv")
    assert not before or set(descriptors.iterdir()) == before


def test_the_operator_opens_anything_anywhere(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"abc")
    (tmp_path / "link.csv").symlink_to("list.csv")
    with open_operator(str(tmp_path / "link.csv"), None) as opened:
        assert opened.read() == b"abc"


def test_standard_input_can_be_read_again() -> None:
    with open_operator("-", io.TextIOWrapper(io.BytesIO(b"phone\n" * 50_000))) as opened:
        first = opened.read()
        opened.seek(0)
        assert opened.read() == first == b"phone\n" * 50_000
        status = os.fstat(opened.fileno())
        assert status.st_nlink == 0
        assert status.st_mode & 0o077 == 0


def test_a_pipe_of_the_operator_can_be_read_again(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"phone\n",))
    writer.start()
    with open_operator(str(pipe), None) as opened:
        assert opened.read() == b"phone\n"
        opened.seek(0)
        assert opened.read() == b"phone\n"
    writer.join()


@pytest.mark.parametrize(
    ("path", "words"), [("/dev/zero", "a device"), ("{tmp}/none.csv", "no such file"), ("{tmp}", "is a directory")]
)
def test_what_the_operator_can_not_give(tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(FileFault, match=words):
        open_operator(path.format(tmp=tmp_path), None)
