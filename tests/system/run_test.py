"""`caisson run`: the article's agent, end to end, with a scripted model and a real sandbox."""
import json
import os
import unittest

from support import SOURCE, BackendTest, TempDirTest, caisson, for_each_backend

QUESTIONS = ["Calculate the sum of all numbers from 1 to 10", "Add 5 and 3, then multiply the result by 2"]
TOOLS = os.path.join(SOURCE, "orchestrator/tools/examples/arithmetic.py")
SCRIPT = """--- turn
I will add them up.

<execute>
sum(range(1, 11))
</execute>
--- turn
--- expect 55
The sum of all numbers from 1 to 10 is 55.
--- turn
<execute>
multiply(add(5, 3), 2)
</execute>
--- turn
--- expect 16
The result is 16.
"""


class Run(BackendTest, TempDirTest):
    def agent(self, *args, script=SCRIPT, questions=QUESTIONS, **kwargs):
        file = self.path("turns.script", script)
        return caisson("run", "--backend", self.backend, "--model", "script:" + file, "--tools", TOOLS,
                       *args, *questions, **kwargs)

    def events(self, *args, **kwargs):
        result = self.agent("--json", *args, **kwargs)
        return result, [json.loads(line) for line in result.stdout.splitlines()]

    def test_S86_S87_the_articles_two_questions_give_55_and_16(self):
        result = self.agent()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("The sum of all numbers from 1 to 10 is 55.", result.stdout)
        self.assertIn("The result is 16.", result.stdout)

    def test_S84_S85_the_verbose_transcript_is_the_articles(self):
        result = self.agent("--verbose")
        self.assertTrue(result.stdout.startswith("User:  " + QUESTIONS[0] + "\n"), result.stdout)
        self.assertIn("\n-----------\nParsed code:\nsum(range(1, 11))\n", result.stdout)
        self.assertIn("\n" + "=" * 50 + "\n", result.stdout)

    def test_events_are_numbered_without_a_gap_and_code_comes_before_its_result(self):
        result, events = self.events()
        self.assertEqual(result.returncode, 0, result.stderr)
        for run in {event["run"] for event in events}:
            numbers = [event["seq"] for event in events if event["run"] == run]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        kinds = [event["type"] for event in events]
        self.assertLess(kinds.index("code"), kinds.index("result"))
        self.assertEqual(kinds.count("stop"), 2)

    def test_S4_an_error_in_the_first_block_is_seen_and_corrected(self):
        script = ("--- turn\n<execute>\ndivide(1, 0)\n</execute>\n"
                  "--- turn\n--- expect ZeroDivisionError\n<execute>\ndivide(1, 2)\n</execute>\n"
                  "--- turn\n--- expect 0.5\nIt is 0.5.\n")
        result = self.agent(script=script, questions=["What is 1/0, or else 1/2?"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("It is 0.5.", result.stdout)

    def test_S79_state_and_memory_live_from_question_to_question(self):
        script = ("--- turn\n<execute>\nx = 20\n</execute>\n--- turn\nx is 20.\n"
                  "--- turn\n<execute>\nx + 1\n</execute>\n--- turn\n--- expect 21\nIt is 21.\n")
        result = self.agent(script=script, questions=["Let x be 20.", "What is x + 1?"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("It is 21.", result.stdout)

    def test_the_users_functions_are_there_again_after_a_block_that_was_killed(self):
        script = ("--- turn\n<execute>\nimport os; os._exit(1)\n</execute>\n"
                  "--- turn\n--- expect variables are as after block 1\n<execute>\nadd(1, 2)\n</execute>\n"
                  "--- turn\n--- expect 3\nIt is 3.\n")
        result = self.agent(script=script, questions=["q"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("It is 3.", result.stdout)

    def test_the_iteration_limit_ends_a_run_that_never_answers(self):
        script = "--- turn\n<execute>\n1\n</execute>\n" * 5
        result = self.agent("--max-iterations", "3", script=script, questions=["Loop."])
        self.assertEqual(result.returncode, 1)
        self.assertIn("max_iterations", result.stderr)

    def test_what_is_denied_is_explained_to_the_model_each_in_its_own_way(self):
        reads = [r"denied: socket\(AF_INET, SOCK_STREAM, 0\) by network.mode: none .*no network",
                 r"denied: execve\(\) by process.exec: deny .*starts no programs",
                 r"denied: import requests, line 1 by python.deny.requests .*no network"]
        blocks = ["import socket\nsocket.socket()", "import os\nos.execv('/bin/ls', ['ls'])",
                  "import requests"]
        script = "".join("--- turn\n%s<execute>\n%s\n</execute>\n" % (expected, block)
                         for expected, block in zip(
                             [""] + ["--- expect %s\n" % each for each in reads], blocks))
        quotes = ["This session has no network: do not try again, use what is in the sandbox.",
                  "This session starts no programs: do it in Python.",
                  "This session has no network; work with the files and tools that are here."]
        script += "--- turn\n--- expect %s\nThree times no: %s\n" % (reads[2], " ".join('"%s"' % each for each in quotes))
        result, events = self.events("--policy", "strict", script=script, questions=["Try it."])
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        answer = [event for event in events if event["type"] == "stop"][-1]
        for quote, read in zip(quotes, reads):
            self.assertIn(quote, json.dumps(answer))
            # The script's last turn says what the model was told, word for word.
            self.assertTrue(any(quote in json.dumps(event) for event in events if event["type"] == "result"), quote)

    def test_a_script_that_is_too_short_says_so(self):
        result = self.agent(script="--- turn\n<execute>\n1\n</execute>\n", questions=["q"])
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("turn", result.stderr)


Run_runc, Run_docker = for_each_backend(Run)

if __name__ == "__main__":
    unittest.main()
