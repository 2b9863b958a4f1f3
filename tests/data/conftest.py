import gzip
import warnings

import pytest

from gfncp.data.delimited import Reading
from gfncp.data.point_sets import Roles, read_sets


@pytest.fixture
def read():
    """Function that writes a file and returns the table in it, and what its columns are used as."""

    def written_and_read(path, content, roles=None, **said):
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if path.suffix.lower() == ".gz" else content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            (found,) = read_sets([path], roles or Roles(), Reading(**said))
        return found.points, {each.name: each for each in found.columns}

    return written_and_read
