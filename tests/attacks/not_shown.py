"""Rows of the threat model that no file here shows, and why. {id: (title, reason)}"""

NOT_SHOWN = {
    "R-25": ("ten thousand blocks a second", "a quota belongs to a server; exec runs one session"),
    "R-26": ("fill the kernel's caches of names",
             "the machine's totals do not tell whose entries they are"),
    "R-29": ("use up the disk's bandwidth",
             "no bundled policy mounts a disk; P-16 shows that nothing else is writable"),
    "Y-12": ("a value whose serialised form is code",
             "the program reads JSON only and has no pickle: nothing there could be attacked"),
    "Y-13": ("plant modules that the worker imports", "P-17 shows it"),
    "Y-14": ("poison a sandbox for its next user", "no sandbox has a second user"),
    "Y-17": ("flood and confuse tools", "exec offers no tools"),
    "Y-18": ("read or forge a judge", "there is no judge yet; do not take ok for passed"),
    "Y-20": ("measure caches and time",
             "not held: hardware side channels are out of scope (README)"),
    "Y-21": ("equal random numbers in two branches",
             "not held for hash seeds (README); exec makes no branch"),
}  # fmt: skip
