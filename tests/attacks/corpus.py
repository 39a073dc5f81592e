"""The attacks, one a file. A file's header says what must come of it:

    # id: K-01
    # title: mount a file system
    # attacker: A3                      (who, in docs: A1 confused model … A8 careless operator)
    # boundary: B8                      (what is crossed, B1 … B13)
    # layer: seccomp                    (what must hold)
    # expect: {"mount": ["EPERM"]}      check -> results that are right in the sandbox; "*": any
    # control: {"mount": ["ok"]}        what the same check gives where nothing holds it
    # gap: {"check": "why the control can't show it here"}
    # explained: ["mount"]              system calls whose refusal must be among the denials
    # needs: ia32                       what the kernel must offer (NEEDS); else it is skipped
    # last: it ends the interpreter     gets a session of its own, after all others
    # dies: yes                         as soon as it has its results it ends the interpreter: the
    #                                   session must be back at the state before the attack

Lines that start with "#   " continue the one before. `expect` may instead be about the block:
{"status": "signal", "signal": 31}. After the header comes the code; its last expression is the
dictionary {check: result}. prelude.py is put in front of it.
"""

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
_NAME = re.compile(r"[ckp]\d\d_\w+\.py")
_KEYS = "id title attacker boundary layer expect control gap explained needs last dies".split()
_JSON = {"expect", "control", "gap", "explained"}


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
    expect: dict = field(default_factory=dict)
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
        found = re.fullmatch(r"# (\w+): (.*)", line)
        if not found or found[1] not in _KEYS:
            raise BadHeader("%s:%d: not a line of a header: %s" % (file, number, line))
        entries.append([found[1], found[2]])
    attack = Attack(file, text)
    for key, value in entries:
        try:
            setattr(attack, key, json.loads(value) if key in _JSON else value)
        except ValueError as error:
            raise BadHeader("%s: %s: %s" % (file, key, error)) from None
    _check(attack)
    return attack


def _check(attack):
    for key in ("id", "title", "attacker", "boundary", "layer", "expect", "control"):
        if not getattr(attack, key):
            raise BadHeader("%s: the header has no '%s'" % (attack.file, key))
    if "status" in attack.expect:
        return
    if attack.expect.keys() != attack.control.keys():
        raise BadHeader("%s: expect and control do not name the same checks" % attack.file)
    # A check whose results would be right in the control as well shows nothing; it needs a reason.
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


def write(attacks, folder):
    """The files as they are run: prelude and attack; for the sandbox, those that die do so."""
    text = prelude()
    for attack in attacks:
        with open(os.path.join(folder, attack.file), "w", encoding="utf-8") as file:
            file.write(text + attack.code)
        if attack.dies:
            with open(os.path.join(folder, block_file(attack)), "w", encoding="utf-8") as file:
                file.write(text + _deadly(attack.code))


def block_file(attack):
    """The file that is run in the sandbox."""
    return "dies_" + attack.file if attack.dies else attack.file


def _deadly(code):
    last = ast.parse(code).body[-1]
    lines = code.splitlines(keepends=True)
    before = "".join(lines[: last.lineno - 1])
    return before + "print(repr(%s), flush=True)\nos._exit(0)\n" % ast.get_source_segment(code, last)


def _has_ia32():
    code = prelude() + 'machine_code(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")()\n'
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


NEEDS = {"ia32": (_has_ia32, "this kernel has no 32-bit system calls")}


def missing(attack):
    """Why this machine can't run it, or None."""
    if not attack.needs:
        return None
    present, reason = NEEDS[attack.needs]
    return None if present() else reason
