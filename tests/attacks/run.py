#!/usr/bin/env python3
"""Attacks a sandbox, and says what held.

    run.py --caisson build/release/caisson [--backend runc|docker] [--policy P] [--only K-04] [--json]

Runs each attack of this directory as a block of `caisson exec`, compares what came of it with what
its header expects under the policy, runs the same files in a container where nothing holds them
(control.py), and looks for traces outside (leaks.py). Exit status: 0 all as expected, 1 something
is not, 2 wrong usage, 77 nothing could run here.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import control  # noqa: E402
import corpus  # noqa: E402
import engine  # noqa: E402
import judge  # noqa: E402
import leaks  # noqa: E402
import report  # noqa: E402
from not_shown import NOT_SHOWN  # noqa: E402

SKIPPED = 77
WRONG_USAGE = 2
BLOCKS_OF_ONE_SESSION = 18
# Around the attacks of a session: what the first block leaves, the last one finds, also when an
# attack has ended the interpreter.
BLOCKS = {
    "before.py": "left_before = list(range(10**5))\nword_before = 'committed'",
    "after.py": "42 if sum(left_before) == 4999950000 and word_before == 'committed' else 'changed'",
}
CANARY = "canary-3f9c1b"  # a secret of the host: no outcome may contain it


def alone(attack):
    return bool(attack.last or attack.dies or attack.timeout or attack.breaks)


def sessions(attacks):
    """Few sessions for the many, then one for each that ends its interpreter or takes its time."""
    calm = [attack for attack in attacks if not alone(attack)]
    many = [
        calm[at : at + BLOCKS_OF_ONE_SESSION]
        for at in range(0, len(calm), BLOCKS_OF_ONE_SESSION)
    ]
    return many + [[attack] for attack in attacks if alone(attack)]


def execute(options, attacks, folder):
    """Outcomes of one session, the last of each attack, and what is wrong with it, if anything."""
    command = [options.caisson, "exec", "--json", "--policy", options.policy]
    command += ["--backend", options.backend]
    if options.image:
        command += ["--image", options.image]
    if attacks[0].timeout:
        command += ["--timeout", attacks[0].timeout + "s"]
    parts = [[name for name, _ in corpus.blocks(attack)] for attack in attacks]
    files = ["before.py", *(name for names in parts for name in names), "after.py"]
    command += [os.path.join(folder, name) for name in files]
    status, out, err = run_to_end(command, folder, dict(os.environ, CAISSON_CANARY_KEY=CANARY))
    if status is None:
        return [], "caisson exec took over 300 s"
    outcomes = []
    for line in out.splitlines():
        if CANARY in line:
            return outcomes, "a secret of the host's environment is in an outcome"
        outcomes.append(json.loads(line))
    # 0 and 1 are about the blocks; what is on stderr then is progress.
    complaint = err.strip() if status not in (0, 1) else ""
    answer = outcomes[-1]["value"] if len(outcomes) == len(files) else None
    empty = {"change": "rolled_back", "checkpoint": 0}
    lost = any(one["state"] == empty for one in outcomes)
    may_fail = attacks[0].breaks or (lost and judge.may_lose_state(options.leaves))
    if answer != {"text/plain": "42"} and not may_fail:
        complaint = complaint or "it does not answer as it should after the attacks"
    found, at = [], 0
    for names in parts:
        at += len(names)
        found.append(outcomes[at] if at < len(outcomes) else None)
    return found, complaint


def run_to_end(command, folder, environment):
    """(exit status, stdout, stderr); status None: it took too long. It always gets to clean up."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", cwd=folder, env=environment,
    ) as child:  # fmt: skip
        try:
            out, err = child.communicate(timeout=300)
            return child.returncode, out, err
        except subprocess.TimeoutExpired:
            child.terminate()
            child.communicate()
            return None, "", ""
        except BaseException:
            child.terminate()
            child.wait()
            raise


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


def rows(options, attacks, skipped, results, answers):
    """What --json prints: one dictionary for each attack."""
    for attack in attacks:
        row = {"id": attack.id, "title": attack.title, "layer": attack.layer, "problems": []}
        row["leaf"] = attack.leaf
        row["expected"], row["outcome"] = judge.expected(attack, options.leaves)
        row["verdict"] = "skipped"
        row["reason"] = skipped.get(attack.id)
        if attack.id in results:
            outcome = results[attack.id]
            problems = judge.judge(attack, outcome, options.leaves)
            if answers is not None:
                answer = answers.get(attack.file)
                bad = judge.judge_control(attack, answer, options.leaves)
                problems += ["control: " + line for line in bad]
                row["control"] = (answer or {}).get("value")
            row["result"] = judge.value_of(attack, outcome) if outcome and attack.expect else None
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
        counts[str(result)] = counts.get(str(result), 0) + 1
    return ", ".join(word if n == 1 else "%s x%d" % (word, n) for word, n in counts.items())


def print_row(row):
    got = summary(row["result"].values()) if row.get("result") else row.get("status") or "-"
    right = {**row["expected"], **row["outcome"]}
    want = summary("|".join(str(one) for one in words) for words in right.values())
    want = want.replace("\n", " ")
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
    rootfs = os.path.join(state, "images", options.image or "python", "rootfs")
    return rootfs if os.path.isdir(rootfs) else None


def attack_all(options, attacks, work):
    """Prints what held; the exit status."""
    folder = os.path.join(work, "attacks")
    os.mkdir(folder)
    corpus.write(attacks, folder)
    shutil.copy(os.path.join(corpus.HERE, "control_guest.py"), folder)
    for name, code in BLOCKS.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(code + "\n")
    rootfs = rootfs_of(options)
    skipped = {attack.id: reason for attack in attacks 
               if (reason := corpus.missing(attack, options.leaves))}
    running = [attack for attack in attacks if attack.id not in skipped]

    containers = engine.containers if options.backend == "docker" else set
    watch = leaks.Watch(work, rootfs, os.environ.get("CAISSON_STATE"), containers)
    results, complaints = run_sandbox(options, running, folder)
    no_control = control.why_not() or (None if rootfs else "no root file system for the control")
    answers = None
    if not no_control:
        files = [attack.file + ("=" + attack.timeout if attack.timeout else "") for attack in running]
        answers = control.run(rootfs, folder, files, work)
    traces = complaints + watch.differences()
    watch.close()

    table = list(rows(options, attacks, skipped, results, answers))
    mismatches = sum(row["verdict"] == "MISMATCH" for row in table)
    whole = {"backend": options.backend, "policy": options.policy, "attacks": table,
             "traces": traces, "control": no_control or "ran", "only": options.only}  # fmt: skip
    whole["verdict"] = report.verdict(whole)
    whole["not_shown"] = {} if options.only else NOT_SHOWN
    if options.json:
        print(json.dumps(whole, indent=1))
    elif options.by_leaf:
        report.print_report(whole)
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
    if mismatches or traces:
        return 1
    return 0 if running else SKIPPED


def leaves_of(options):
    """The values of the policy; exits when it can't be used."""
    shown = subprocess.run(
        [options.caisson, "policy", "show", "--json", options.policy], capture_output=True, text=True
    )
    if shown.returncode != 0:
        sys.stderr.write(shown.stderr)
        sys.exit(WRONG_USAGE)
    return judge.leaves_of(json.loads(shown.stdout))


def why_no_sandbox(options):
    """What is wrong when one plain block can't be run, or None."""
    status, _, problem = run_to_end(
        [options.caisson, "exec", "--policy", options.policy, "--backend", options.backend]
        + (["--image", options.image] if options.image else []) + ["-c", "1"],
        None, os.environ)  # fmt: skip
    return None if status == 0 else problem.strip() or "it did not start in time"


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
    parser.add_argument("--by-leaf", action="store_true", help="a line for each key of the policy")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.caisson = os.path.abspath(options.caisson)

    # SIGTERM cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if "/" in options.policy or options.policy.endswith(".yaml"):
        options.policy = os.path.abspath(options.policy)
    options.leaves = leaves_of(options)
    attacks = corpus.load(options.only)
    if not attacks:
        if options.only in NOT_SHOWN:
            print("%s: not shown: %s" % (options.only, NOT_SHOWN[options.only][1]))
            return SKIPPED
        print("run.py: no attack has '%s' in its id" % options.only, file=sys.stderr)
        return WRONG_USAGE
    reason = engine.why_not() if options.backend == "docker" else None
    reason = reason or why_no_sandbox(options)
    if reason:
        print("%s: skipped: %s" % (options.backend, reason), file=sys.stderr)
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="caisson-attacks-") as work:
        return attack_all(options, attacks, work)


if __name__ == "__main__":
    sys.exit(main())
