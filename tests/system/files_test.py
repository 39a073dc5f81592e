"""Files of a session on real backends: in, out, listed, and what hostile ones do. F-nn: rows of the threat model."""
import json
import os
import tempfile
import unittest

from support import BackendTest, caisson, for_each_backend, text


class Files(BackendTest):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="caisson-test-")
        self.here = self.directory.name
        self.session = "files-%d-%s" % (os.getpid(), self.backend)

    def tearDown(self):
        caisson("sessions", "kill", self.session)
        self.directory.cleanup()

    def path(self, name, content=None):
        path = os.path.join(self.here, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def kept(self, code):
        """Runs a block in the named session."""
        outcome, = self.blocks(code, extra=("--session", self.session))
        self.assertEqual(outcome["status"], "ok", outcome)
        return outcome

    def sessions(self, *args):
        return caisson("sessions", *args, timeout=60)

    def test_they_go_in_and_out_with_exec(self):
        data = os.urandom(3 << 20)
        result = self.exec("--put", self.path("in.bin", data), "--get", "out.bin:" + self.path("out.bin"), "-c",
                           "open('out.bin', 'wb').write(open('in.bin', 'rb').read()[::-1])")
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("out.bin"), "rb") as file:
            self.assertEqual(file.read(), data[::-1])

    def test_sessions_put_get_and_ls(self):
        self.kept("import os; os.mkdir('data'); open('data/a.txt', 'w').write('x' * 2000)")
        done = self.sessions("put", self.session, self.path("b.csv", b"1,2\n") + ":data/b.csv")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(text(self.kept("open('data/b.csv').read()")), "'1,2\\n'")
        listed = self.sessions("ls", self.session, "data", "--json")
        rows = {row["name"]: row for row in map(json.loads, listed.stdout.splitlines())}
        self.assertEqual({name: (row["type"], row["size"]) for name, row in rows.items()},
                         {"a.txt": ("file", 2000), "b.csv": ("file", 4)})
        table = self.sessions("ls", self.session, "--depth", "1").stdout
        self.assertIn(" data/\n", table)
        self.assertIn(" data/a.txt\n", table)
        done = self.sessions("get", self.session, "data/a.txt:" + self.path("a.txt"), "none:" + self.path("none"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("none", done.stderr)
        self.assertEqual(os.path.getsize(self.path("a.txt")), 2000)
        self.assertFalse(os.path.exists(self.path("none")))
        self.assertEqual(self.sessions("ls", "nobody-has-this-name").returncode, 2)

    def test_a_block_says_what_is_new_and_changed(self):
        first, second = self.blocks("open('a', 'w').write('1'); open('b', 'w').write('2')",
                                    "import os; open('a', 'w').write('12'); os.remove('b'); os.mkdir('c'); "
                                    "open('c/d', 'w').close()")
        self.assertEqual([row["name"] for row in first["files"]["new"]], ["a", "b"])
        self.assertEqual([row["name"] for row in second["files"]["changed"]], ["a"])
        self.assertEqual(second["files"]["removed"], ["b"])
        self.assertIn("c/d", [row["name"] for row in second["files"]["new"]])

    def test_f02_f04_what_is_no_regular_file_stays_inside(self):
        self.kept("import os, socket\n"
                  "os.symlink('/etc/passwd', 'link'); os.mkfifo('pipe'); os.mkdir('folder')\n"
                  "os.symlink('/etc', 'etc'); socket.socket(socket.AF_UNIX).bind('socket')")
        for name in ("link", "pipe", "folder", "etc/passwd", "socket", "../etc/passwd", "/etc/passwd"):
            with self.subTest(name=name):
                done = self.sessions("get", self.session, name + ":" + self.path("stolen"))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertNotEqual(done.stderr, "")
                self.assertFalse(os.path.exists(self.path("stolen")))

    def test_f02_nothing_of_this_host_is_written_through_a_link(self):
        self.kept("open('report', 'w').write('new')")
        os.symlink(self.path("target", b"old"), self.path("report"))
        done = self.sessions("get", self.session, "report:" + self.path("report"))
        self.assertEqual(done.returncode, 2, done.stderr)
        with open(self.path("target"), "rb") as file:
            self.assertEqual(file.read(), b"old")

    def test_f06_names_are_shown_and_not_acted_on(self):
        self.kept("for name in (b'a\\nb', b'\\x1b[2J', b'\\xff', b'-rf', 'x' * 255):\n"
                  "    open(name, 'w').close()")
        listed = self.sessions("ls", self.session)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertNotIn("\x1b", listed.stdout)
        self.assertEqual(len(listed.stdout.splitlines()), 5)
        self.assertIn("\\x1b[2J", listed.stdout)
        self.assertEqual(self.sessions("get", self.session, "-rf").returncode, 2)

    def test_f08_an_upload_leads_nowhere_else(self):
        self.kept("import os; os.symlink('/tmp', 'out'); os.mkdir('in')")
        for name in ("../x", "/tmp/x", "out/x", "in/../../x"):
            with self.subTest(name=name):
                done = self.sessions("put", self.session, self.path("x", b"x") + ":" + name)
                self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(text(self.kept("os.path.exists('/tmp/x'), os.path.exists('/x')")), "(False, False)")

    def test_f09_a_list_has_an_end(self):
        self.kept("import os; os.mkdir('many')\nfor i in range(12000): open('many/%d' % i, 'w').close()")
        listed = self.sessions("ls", self.session, "many")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertEqual(len(listed.stdout.splitlines()), 10000)
        self.assertIn("only 10000 entries are listed", listed.stderr)

    def test_f11_a_copy_has_no_set_user_bit(self):
        self.kept("import os; open('program', 'w').close(); os.chmod('program', 0o6755)\n"
                  "open('plain', 'w').close(); os.chmod('plain', 0o640)")
        other = self.session + "-b"
        done = self.sessions("branch", self.session, other)
        self.assertEqual(done.returncode, 0, done.stderr)
        try:
            outcome, = self.blocks("import os; [oct(os.stat(name).st_mode & 0o7777) for name in ('program', 'plain')]",
                                   extra=("--session", other))
            self.assertEqual(text(outcome), "['0o755', '0o640']")
        finally:
            self.sessions("kill", other)

    def test_f13_a_full_workspace_costs_no_state(self):
        self.kept("x = 41\nopen('own', 'w').write('kept')\n"
                  "try:\n    while open('/workspace/%d' % x, 'ab').write(b'x' * (16 << 20)): pass\n"
                  "except OSError as error: full = error.errno\nimport os")
        done = self.sessions("branch", self.session, self.session + "-b")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "room|space")
        self.assertEqual(text(self.kept("os.remove('/workspace/%d' % x); x + 1, open('own').read()")), "(42, 'kept')")
        self.assertNotIn(self.session + "-b", self.sessions("list").stdout)


Files_runc, Files_docker = for_each_backend(Files)
del Files

if __name__ == "__main__":
    unittest.main()
