#!/usr/bin/env python3
"""Attacks a sandbox, and says what held.

    run.py --caisson build/release/caisson [--backend runc|docker] [--json] [--only K-04]

Runs each attack of this directory as a block of `caisson exec --policy strict`, compares its
results with what its header expects, runs the same files in a container where nothing holds them
(control.py), and looks for traces outside (leaks.py). Exit status: 0 all as expected, 1 something
is not, 77 this backend is not there.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import control  # noqa: E402
import corpus  # noqa: E402
import engine  # noqa: E402
import leaks  # noqa: E402

SKIPPED = 77
BLOCKS_OF_ONE_SESSION = 18
# Around the attacks of a session: what the first block leaves, the last one finds, also when an
# attack has ended the interpreter.
BLOCKS = {
    "before.py": "left_before = list(range(10**5))\nword_before = 'committed'",
    "after.py": "42 if sum(left_before) == 4999950000 and word_before == 'committed' else 'changed'",
}
CANARY = "canary-3f9c1b"  # a secret of the host: no outcome may contain it


def sessions(attacks):
    """Few sessions for the many, then one for each that ends its interpreter."""
    calm = [attack for attack in attacks if not attack.last and not attack.dies]
    many = [
        calm[at : at + BLOCKS_OF_ONE_SESSION]
        for at in range(0, len(calm), BLOCKS_OF_ONE_SESSION)
    ]
    return many + [[attack] for attack in attacks if attack.last or attack.dies]


def execute(options, attacks, folder):
    """Outcomes of one session, as many as came, and what went wrong with it, if anything."""
    command = [options.caisson, "exec", "--json", "--policy", options.policy]
    command += ["--backend", options.backend]
    if options.image:
        command += ["--image", options.image]
    blocks = ["before.py", *map(corpus.block_file, attacks), "after.py"]
    command += [os.path.join(folder, block) for block in blocks]
    environment = dict(os.environ, CAISSON_CANARY_KEY=CANARY)
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
            cwd=folder, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [], "caisson exec took over 300 s"
    outcomes = []
    for line in ended.stdout.splitlines():
        if CANARY in line:
            return outcomes, "a secret of the host's environment is in an outcome"
        outcomes.append(json.loads(line))
    # 0 and 1 are about the blocks; what is on stderr then is progress.
    complaint = ended.stderr.strip() if ended.returncode not in (0, 1) else ""
    answer = outcomes[-1]["value"] if len(outcomes) == len(blocks) else None
    if answer != {"text/plain": "42"}:
        complaint = complaint or "it does not answer as it should after the attacks"
    return outcomes[1 : 1 + len(attacks)], complaint


def value_of(attack, outcome):
    """The dictionary that the block ended with, or printed last; None when it is not one."""
    try:
        text = outcome["stdout"] if attack.dies else outcome["value"]["text/plain"]
        value = ast.literal_eval(text.strip().splitlines()[-1])
    except (TypeError, KeyError, IndexError, ValueError, SyntaxError):
        return None
    return value if isinstance(value, dict) else None


def wrong_results(expected, value):
    """One line for each check that is not as expected."""
    if value is None:
        return ["no results"]
    lines = []
    for check in sorted(expected.keys() | value.keys()):
        right = expected.get(check, [])
        got = value.get(check, "nothing")
        if got not in right and ("*" not in right or check not in value):
            lines.append("%s: %s, not %s" % (check, got, " or ".join(right) or "a known check"))
    return lines


def unexplained(attack, denials):
    """System calls whose refusal is not among the denials, with its rule and its hint."""
    told = [one["subject"] for one in denials if one["rule"] and one["hint"]]
    missing = [call for call in attack.explained if not any(s.startswith(call + "(") for s in told)]
    return ["%s: refused without a denial that explains it" % call for call in missing]


def judge(attack, outcome):
    """Lines about what is wrong with this outcome; none: as expected."""
    if outcome is None:
        return ["no outcome"]
    if "status" in attack.expect:
        got = {key: outcome.get(key) for key in attack.expect}
        return [] if got == attack.expect else ["ended %s, not %s" % (got, attack.expect)]
    if attack.dies and outcome["status"] == "exited":
        if outcome["state"]["change"] != "rolled_back" or outcome["state"]["checkpoint"] == 0:
            return ["the state is not back where it was: %s" % outcome["state"]]
    elif outcome["status"] != "ok":
        error = outcome.get("error") or {}
        text = error.get("message") or outcome.get("reason") or ""
        return ["the block ended %s: %s" % (outcome["status"], text)]
    lines = wrong_results(attack.expect, value_of(attack, outcome))
    lines += unexplained(attack, outcome["denials"])
    said = outcome["stdout"].strip()
    return lines + ["it printed: " + said] if lines and said else lines


def judge_control(attack, answer):
    if answer is None or answer["status"] != "ok":
        return ["the control ended: %s" % (answer and answer.get("reason", answer["status"]))]
    expected, value = attack.control, answer["value"]
    if not control.user_namespaces():
        expected = {check: right for check, right in expected.items() if "user" not in check.split()}
        value = {check: got for check, got in value.items() if "user" not in check.split()}
    return wrong_results(expected, value)


def run_sandbox(options, attacks, folder):
    """({id: outcome or None}, complaints)."""
    results, complaints = {}, []
    for group in sessions(attacks):
        outcomes, complaint = execute(options, group, folder)
        if complaint:
            complaints.append("session of %s …: %s" % (group[0].id, complaint))
        for at, attack in enumerate(group):
            results[attack.id] = outcomes[at] if at < len(outcomes) else None
    return results, complaints


def rows(attacks, skipped, results, answers):
    """What --json prints: one dictionary for each attack."""
    for attack in attacks:
        row = {"id": attack.id, "title": attack.title, "layer": attack.layer, "problems": []}
        row["expected"] = attack.expect
        row["verdict"] = "skipped"
        row["reason"] = skipped.get(attack.id)
        if attack.id in results:
            outcome = results[attack.id]
            problems = judge(attack, outcome)
            if answers is not None:
                bad = judge_control(attack, answers.get(attack.file))
                problems += ["control: " + line for line in bad]
                row["control"] = (answers.get(attack.file) or {}).get("value")
            row["result"] = value_of(attack, outcome) if outcome else None
            if outcome:
                row["status"] = outcome["status"]
                row["denials"] = len(outcome["denials"])
            row["problems"] = problems
            row["gaps"] = attack.gap
            row["verdict"] = "MISMATCH" if problems else "held"
        yield row


def summary(results):
    """{"mount": "EPERM", "umount2": "EPERM"} -> "EPERM x2"."""
    counts = {}
    for result in results:
        counts[result] = counts.get(result, 0) + 1
    return ", ".join(word if n == 1 else "%s x%d" % (word, n) for word, n in counts.items())


def print_row(row):
    got = summary(row["result"].values()) if row.get("result") else row.get("status") or "-"
    if "status" in row["expected"]:
        want = " ".join(str(one) for one in row["expected"].values())
        got = "signal" if got == "signal" else got
    else:
        want = summary("|".join(right) for right in row["expected"].values())
    print("%-5s %-8s %-34.34s %-34.34s %-44.44s %s"
          % (row["id"], row["verdict"], row["layer"], got, want, row["title"]))  # fmt: skip
    if row["reason"]:
        print("      skipped: " + row["reason"])
    for line in row["problems"]:
        print("      " + line)


def rootfs_of(options):
    if options.image and os.path.isdir(options.image):
        return options.image
    state = os.environ.get("CAISSON_STATE") or "/var/lib/caisson"
    rootfs = os.path.join(state, "images", "python", "rootfs")
    return rootfs if os.path.isdir(rootfs) else None


def attack_all(options, attacks, work):
    """Prints what held; True when everything did."""
    folder = os.path.join(work, "attacks")
    os.mkdir(folder)
    corpus.write(attacks, folder)
    shutil.copy(os.path.join(corpus.HERE, "control_guest.py"), folder)
    for name, code in BLOCKS.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(code + "\n")
    rootfs = rootfs_of(options)
    skipped = {attack.id: reason for attack in attacks if (reason := corpus.missing(attack))}
    running = [attack for attack in attacks if attack.id not in skipped]

    containers = engine.containers if options.backend == "docker" else set
    watch = leaks.Watch(work, rootfs, os.environ.get("CAISSON_STATE"), containers)
    results, complaints = run_sandbox(options, running, folder)
    no_control = control.why_not() or (None if rootfs else "no root file system for the control")
    answers = None
    if not no_control:
        files = [attack.file for attack in running]
        answers = control.run(rootfs, folder, files, work)
    traces = complaints + watch.differences()
    watch.close()

    table = list(rows(attacks, skipped, results, answers))
    mismatches = sum(row["verdict"] == "MISMATCH" for row in table)
    if options.json:
        report = {"backend": options.backend, "policy": options.policy, "attacks": table,
                  "traces": traces, "control": no_control or "ran"}  # fmt: skip
        print(json.dumps(report, indent=1))
    else:
        print("backend %s, policy %s" % (options.backend, options.policy))
        print("%-5s %-8s %-34s %-34s %-44s %s"
              % ("id", "verdict", "layer", "result", "expected", "attack"))  # fmt: skip
        for row in table:
            print_row(row)
        if no_control:
            print("control: skipped: " + no_control)
        for line in traces:
            print("TRACE " + line)
        print("%d attacks, %d held, %d skipped, %d mismatches, %d traces outside"
              % (len(table), len(table) - len(skipped) - mismatches, len(skipped), mismatches,
                 len(traces)))  # fmt: skip
    return not mismatches and not traces


def main():
    about, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--caisson", required=True, help="the program to test")
    parser.add_argument("--backend", choices=("runc", "docker"), default="runc")
    parser.add_argument("--policy", default="strict")
    parser.add_argument("--image", help="as for caisson exec; default: its own")
    parser.add_argument("--only", default="", help="attacks whose id or file has this in it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.caisson = os.path.abspath(options.caisson)

    reason = engine.why_not() if options.backend == "docker" else None
    if reason:
        print("docker: skipped: " + reason)
        return SKIPPED
    attacks = corpus.load(options.only)
    with tempfile.TemporaryDirectory(prefix="caisson-attacks-") as work:
        return 0 if attack_all(options, attacks, work) else 1


if __name__ == "__main__":
    sys.exit(main())
