"""Files are written whole or not at all."""

import os
import stat

import pytest

from gfncp.files import write_atomically


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, lambda draft: draft.write_text("old"))

    def fail(draft):
        draft.write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_folders_are_made_and_files_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    for text in ("first", "second"):
        write_atomically(path, lambda draft, text=text: draft.write_text(text))
        assert path.read_text() == text


def test_written_files_have_the_usual_permissions(tmp_path):
    write_atomically(tmp_path / "file", lambda draft: draft.write_text("text"))
    (tmp_path / "usual").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "usual")]
    assert modes[0] == modes[1]
