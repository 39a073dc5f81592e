"""A small checkout in a temporary directory, to run one of scripts/ on."""
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent.parent


class CheckoutTest(unittest.TestCase):
    script = ""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)

    def write(self, path, text=""):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def run_script(self, *arguments):
        return subprocess.run([SOURCE / "scripts" / self.script, *(arguments or [self.root])],
                              capture_output=True, text=True, timeout=60)
