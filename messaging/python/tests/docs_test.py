# Copyright 2026 The le_messaging Authors
# SPDX-License-Identifier: Apache-2.0

"""The programs of docs/python.md work as they are written there."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from support import needs_processes

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "python.md"


@needs_processes
class Page(unittest.TestCase):
    def test_the_programs(self):
        programs = re.findall(r"```python\n(# (\w+\.py)[^`]*)```", PAGE.read_text())
        self.assertEqual(
            [name for _, name in programs], ["shout_server.py", "shout_client.py"]
        )
        with tempfile.TemporaryDirectory() as folder:
            for text, name in programs:
                pathlib.Path(folder, name).write_text(text)
            server = subprocess.Popen([sys.executable, "shout_server.py"], cwd=folder)
            try:
                output = subprocess.run(
                    [sys.executable, "shout_client.py", "hello"],
                    cwd=folder,
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                ).stdout
            finally:
                server.kill()
                server.wait()
        self.assertEqual(output, "HELLO\n")


if __name__ == "__main__":
    unittest.main()
