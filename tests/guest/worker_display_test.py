"""Displays: MIME bundles while the block runs, and figures without code from the user."""

import base64
import struct
import unittest
import zlib

from worker_fixture import Case, has_module

PNG = b"\x89PNG\r\n\x1a\n"


class Displays(Case):
    config = {"display_max_bytes": 1 << 20, "value_max_bytes": 1 << 20}

    def test_display_shows_each_object_at_once(self):
        outcome = self.run_ok("display(1, 'two')\ndisplay([3])\n4")
        self.assertEqual(
            outcome.displays, [{"text/plain": "1"}, {"text/plain": "'two'"}, {"text/plain": "[3]"}]
        )
        self.assertEqual(outcome.text, "4")
        self.assertIsNone(self.run_ok("display()").value)

    def test_displays_of_a_block_that_fails_are_kept(self):
        outcome = self.session.run("display(1)\n1/0")
        self.assertEqual((outcome.status, outcome.displays), ("raised", [{"text/plain": "1"}]))

    def test_every_representation_is_asked_for(self):
        self.run_ok(
            "class R:\n"
            "    def __repr__(self): return 'r'\n"
            "    def _repr_html_(self): return '<i>ä</i>'\n"
            "    def _repr_markdown_(self): return '*m*', {'meta': 1}\n"
            "    def _repr_latex_(self): return '$l$'\n"
            "    def _repr_svg_(self): return '<svg/>'\n"
            "    def _repr_png_(self): return b'\\x89PNG'\n"
            "    def _repr_jpeg_(self): return 'YQ=='\n"
            "    def _repr_json_(self): return {'a': [1, None, 2.5]}\n"
        )
        expected = {
            "text/plain": "r",
            "text/html": "<i>ä</i>",
            "text/markdown": "*m*",
            "text/latex": "$l$",
            "image/svg+xml": "<svg/>",
            "image/png": base64.b64encode(b"\x89PNG").decode(),
            "image/jpeg": "YQ==",
            "application/json": {"a": [1, None, 2.5]},
        }
        self.assertEqual(self.run_ok("R()").value, expected)
        self.assertEqual(self.run_ok("display(R())").displays, [expected])

    def test_a_mime_bundle_wins_and_text_is_still_there(self):
        outcome = self.run_ok(
            "class M:\n    def __repr__(self): return 'm'\n    def _repr_html_(self): return 'no'\n"
            "    def _repr_mimebundle_(self, include=None, exclude=None):\n"
            "        return {'text/html': 'yes', 'application/x+json': {'k': 1}}, {}\nM()"
        )
        self.assertEqual(
            outcome.value, {"text/plain": "m", "text/html": "yes", "application/x+json": {"k": 1}}
        )

    def test_classes_and_objects_that_answer_to_every_name_are_not_rich(self):
        self.run_ok("class R:\n    def _repr_html_(self): return 'h'")
        self.assertEqual(list(self.run_ok("R").value), ["text/plain"])
        self.assertEqual(
            list(self.run_ok("from unittest.mock import Mock\nMock()").value), ["text/plain"]
        )

    def test_a_representation_that_fails_leaves_the_text(self):
        for body in [
            "raise ValueError",
            "raise SystemExit",
            "return 5",
            "return None",
            "return {1: 2}",
        ]:
            value = self.run_ok(
                "class F:\n    def __repr__(self): return 'f'\n    def _repr_html_(self): %s\n"
                "    def _repr_json_(self): return object()\nF()" % body
            ).value
            self.assertEqual(value, {"text/plain": "f"}, body)

    def test_a_text_that_fails_is_told_in_its_place(self):
        outcome = self.run_ok(
            "class F:\n    def __repr__(self): raise KeyError('k')\ndisplay(F())\n1"
        )
        self.assertEqual(outcome.displays, [{"text/plain": "<repr of F failed: KeyError: 'k'>"}])

    def test_bundles_can_be_given_as_they_are(self):
        outcome = self.run_ok("display({'image/png': b'ab', 'text/plain': 't'}, raw=True)")
        self.assertEqual(outcome.displays, [{"image/png": "YWI=", "text/plain": "t"}])
        self.assertEqual(self.error("display(3, raw=True)")["type"], "TypeError")

    def test_a_display_of_several_frames_arrives_whole(self):
        outcome = self.run_ok("display({'image/png': bytes(range(256)) * 2000}, raw=True)\n'after'")
        self.assertEqual(
            base64.b64decode(outcome.displays[0]["image/png"]), bytes(range(256)) * 2000
        )
        self.assertEqual(outcome.text, "'after'")

    def test_a_display_that_is_too_large_says_so(self):
        outcome = self.run_ok(
            "display('x' * 2**20)\ndisplay({'image/png': b'0' * 2**20}, raw=True)\ndisplay(list(range(10**7)))"
        )
        texts = [shown["text/plain"] for shown in outcome.displays]
        self.assertIn("was not displayed", texts[0])
        self.assertIn("image/png of 1398", texts[1])
        self.assertIn("was not displayed", texts[2])

    def test_a_representation_that_is_too_large_leaves_the_text(self):
        outcome = self.run_ok(
            "class F:\n    def __repr__(self): return 'f'\n    def _repr_html_(self): return 'h' * 2**21\nF()"
        )
        self.assertEqual(outcome.value, {"text/plain": "f"})

    def test_display_is_a_builtin_and_part_of_the_module_caisson(self):
        outcome = self.run_ok(
            "import caisson\ndef f():\n    display(1)\n    caisson.display(2)\nf()"
        )
        self.assertEqual(len(outcome.displays), 2)

    def test_an_interrupt_within_a_large_display_breaks_no_message(self):
        pid = self.session.pid()
        code = "n = 0\ndata = {'image/png': b'p' * 700000}\nprint('begun')\nwhile True:\n    display(data, raw=True)"
        for _ in range(5):
            self.session.start(code)
            outcome = self.session.finish(
                on_output=lambda text: b"begun" in text and self.session.interrupt(pid)
            )
            self.assertEqual(outcome.status, "interrupted")
            self.assertTrue(all(len(shown["image/png"]) == 933336 for shown in outcome.displays))
        self.assertEqual(self.value("1"), "1")


@unittest.skipUnless(has_module("numpy"), "numpy is not importable")
class Numpy(Case):
    config = {"preload": ["numpy"], "aliases": {"np": "numpy"}}

    def test_arrays_print_as_numpy_prints_them(self):
        import numpy

        self.assertEqual(self.value("np.arange(3)"), "array([0, 1, 2])")
        self.assertEqual(self.value("np.zeros(10**7)"), repr(numpy.zeros(10**7)))

    def test_sessions_do_not_draw_the_same_numbers(self):
        code = "import random\n(random.random(), float(np.random.random()))"
        self.assertNotEqual(self.value(code), self.open().run(code).text)

    def test_frames_of_packages_are_shown_by_their_place_there(self):
        trace = self.error("np.linalg.inv(np.zeros((2, 2)))")["traceback"]
        self.assertIn('File "numpy/linalg/', trace)
        self.assertNotIn("/usr", trace)


@unittest.skipUnless(has_module("pandas"), "pandas is not importable")
class Pandas(Case):
    def test_a_table_has_text_and_html(self):
        value = self.run_ok("import pandas as pd\npd.DataFrame({'a': [1, 2]})").value
        self.assertEqual(sorted(value), ["text/html", "text/plain"])
        self.assertIn("<table", value["text/html"])


def size(png):
    """Width and height of a PNG whose checksums hold."""
    assert png.startswith(PNG)
    length, kind = struct.unpack(">I4s", png[8:16])
    assert (
        kind == b"IHDR"
        and zlib.crc32(png[12 : 16 + length])
        == struct.unpack(">I", png[16 + length : 20 + length])[0]
    )
    return struct.unpack(">II", png[16:24])


@unittest.skipUnless(has_module("matplotlib"), "matplotlib is not importable")
class Matplotlib(Case):
    def pictures(self, outcome):
        return [size(base64.b64decode(shown["image/png"])) for shown in outcome.displays]

    def test_figures_that_are_open_at_the_end_become_displays(self):
        outcome = self.run_ok(
            "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.figure()\nplt.plot([3])\nNone"
        )
        self.assertEqual(len(self.pictures(outcome)), 2)
        self.assertEqual(outcome.err, "")
        self.assertEqual(self.run_ok("plt.get_fignums()").text, "[]")
        self.assertEqual(self.run_ok("1").displays, [])

    def test_show_displays_at_that_point(self):
        outcome = self.run_ok(
            "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\ndisplay('after')"
        )
        self.assertEqual(
            [sorted(shown) for shown in outcome.displays],
            [["image/png", "text/plain"], ["text/plain"]],
        )

    def test_figures_of_a_block_that_fails_are_shown(self):
        outcome = self.session.run("import matplotlib.pyplot as plt\nplt.plot([1])\n1/0")
        self.assertEqual(outcome.status, "raised")
        self.assertEqual(len(self.pictures(outcome)), 1)

    def test_a_figure_that_cannot_be_drawn_says_why(self):
        outcome = self.run_ok(
            "import matplotlib.pyplot as plt\nt = plt.title('$\\\\nosuchcommand$')"
        )
        self.assertIn("could not be drawn", outcome.displays[0]["text/plain"])
        self.assertEqual(self.run_ok("plt.get_fignums()").text, "[]")


class NoMatplotlib(Case):
    def test_matplotlib_is_not_loaded_for_nothing(self):
        self.assertEqual(
            self.value(
                "import sys, os\n[m for m in sys.modules if 'matplotlib' in m], "
                "os.environ['MPLBACKEND']"
            ),
            "([], 'module://caisson_matplotlib')",
        )


if __name__ == "__main__":
    unittest.main()
