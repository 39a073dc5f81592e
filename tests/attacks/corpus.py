"""The attacks, one a file. A file's header says what must come of it:

    # id: K-01
    # title: mount a file system
    # attacker: A3                      (who, in docs: A1 confused model … A8 careless operator)
    # boundary: B8                      (what is crossed, B1 … B13)
    # layer: seccomp                    (what must hold)
    # leaf: syscalls.allow              the key of the policy that it is about
    # expect: {"mount": ["EPERM"]}      check -> results that are right in the sandbox
    # expect if process.exec=allow: {"execve": ["executed"]}     the same under another policy
    # outcome: {"status": ["signal"], "signal": [31]}            what init must say of the block
    # control: {"mount": ["ok"]}        what the same check gives where nothing holds it; {"ended":
    #                                   ["lost"]} when the block itself must not come to its end
    # gap: {"check": "why the control can't show it here"}
    # explained: ["mount"]              system calls whose refusal must be among the denials
    # needs: ia32                       what kernel or policy must offer (NEEDS); else it is skipped
    # last: it ends the interpreter     gets a session of its own, after all others
    # dies: yes                         as soon as it has its results it ends the interpreter: the
    #                                   session must be back at the state before the attack
    # timeout: 1                        seconds that its blocks get; own session, killed in the control
    # breaks: its own session           which need not answer afterwards; with a session of its own

Lines that start with "#   " continue the one before. After the header comes the code; its last
expression is the dictionary {check: result}. prelude.py is put in front of it. A line "# next block"
ends a block and begins another of the same session; the last one is judged. A result that is right
may also be "*" (any), ">5", "<=5" or "<=resources.pids.max" (or
"…max+16"): no more than the policy says, and what the container has beside it.
"""

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
_NAME = re.compile(r"[cfknpry]\d\d[a-z]?_\w+\.py")
_KEYS = (
    "id title attacker boundary layer leaf expect outcome control gap explained needs last dies timeout "
    "breaks"
).split()
_JSON = {"expect", "outcome", "control", "gap", "explained"}
_LINE = re.compile(r"# (\w+)(?: if ([\w./]+)([=<>])(\S+))?: (.*)")
NEXT_BLOCK = "\n# next block\n"


class BadHeader(Exception):
    pass


@dataclass
class Attack:
    file: str
    code: str
    id: str = ""
    title: str = ""
    attacker: str = ""
    boundary: str = ""
    layer: str = ""
    needs: str = ""
    last: str = ""
    dies: str = ""
    leaf: str = ""
    timeout: str = ""
    breaks: str = ""
    expect: dict = field(default_factory=dict)
    outcome: dict = field(default_factory=dict)
    special: list = field(default_factory=list)  # (key, leaf, comparison, value, what it says)
    control: dict = field(default_factory=dict)
    gap: dict = field(default_factory=dict)
    explained: list = field(default_factory=list)


def parse(file, text):
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#"):
            break
        if line.startswith("#   ") and entries:
            entries[-1][1] += " " + line[4:]
            continue
        found = _LINE.fullmatch(line)
        if not found or found[1] not in _KEYS or (found[2] and found[1] not in ("expect", "outcome")):
            raise BadHeader("%s:%d: not a line of a header: %s" % (file, number, line))
        entries.append([found[1], found[5], found.groups()[1:4]])
    attack = Attack(file, text)
    for key, value, condition in entries:
        try:
            value = json.loads(value) if key in _JSON else value
            if condition[0]:
                attack.special.append((key, *condition, value))
            else:
                setattr(attack, key, value)
        except ValueError as error:
            raise BadHeader("%s: %s: %s" % (file, key, error)) from None
    _check(attack)
    return attack


def _check(attack):
    for key in ("id", "title", "attacker", "boundary", "layer", "leaf", "control"):
        if not getattr(attack, key):
            raise BadHeader("%s: the header has no '%s'" % (attack.file, key))
    if not attack.expect and not attack.outcome:
        raise BadHeader("%s: the header expects nothing" % attack.file)
    if "ended" in attack.control or not attack.expect:
        return
    if attack.expect.keys() != attack.control.keys():
        raise BadHeader("%s: expect and control do not name the same checks" % attack.file)
    # A check whose results would be right in the control as well shows nothing; it needs a reason.
    # Numbers are compared when they are there (judge.py).
    for check, right in attack.expect.items():
        overlap = {"*"} & {*right, *attack.control[check]} or {*right} & {*attack.control[check]}
        if overlap and check not in attack.gap:
            raise BadHeader("%s: '%s' may be the same in the control" % (attack.file, check))


def load(pattern=""):
    """All attacks whose id or file contains `pattern`, in order."""
    attacks = []
    for file in sorted(filter(_NAME.fullmatch, os.listdir(HERE))):
        with open(os.path.join(HERE, file), encoding="utf-8") as source:
            attack = parse(file, source.read())
        if pattern.lower() in attack.id.lower() or pattern in file:
            attacks.append(attack)
    return attacks


def prelude():
    with open(os.path.join(HERE, "prelude.py"), encoding="utf-8") as source:
        return source.read()


def blocks(attack):
    """[(file, code)] of the blocks that are run in the sandbox."""
    if attack.dies:
        return [("dies_" + attack.file, _deadly(attack.code))]
    pieces = attack.code.split(NEXT_BLOCK)
    if len(pieces) == 1:
        return [(attack.file, attack.code)]
    return [("b%d_%s" % (at, attack.file), piece) for at, piece in enumerate(pieces, 1)]


def write(attacks, folder):
    """The files as they are run: prelude and attack; whole for the control, in blocks beside it."""
    text = prelude()
    for attack in attacks:
        for name, code in [(attack.file, attack.code), *blocks(attack)]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text + code)


def _deadly(code):
    last = ast.parse(code).body[-1]
    lines = code.splitlines(keepends=True)
    before = "".join(lines[: last.lineno - 1])
    return before + "print(repr(%s), flush=True)\nos._exit(0)\n" % ast.get_source_segment(code, last)


def _has_ia32():
    code = prelude() + 'machine_code(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")()\n'
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


# What an attack may need: (is it there under a policy with these leaves, why not).
NEEDS = {
    "ia32": (lambda leaves: _has_ia32(), "this kernel has no 32-bit system calls"),
    "checkpoints": (
        lambda leaves: leaves.get("session.checkpoints", 0) != 0,
        "this policy has no checkpoints (session.checkpoints: 0)",
    ),
}


def missing(attack, leaves):
    """Why this machine or policy can't show it, or None."""
    if not attack.needs:
        return None
    present, reason = NEEDS[attack.needs]
    return None if present(leaves) else reason
