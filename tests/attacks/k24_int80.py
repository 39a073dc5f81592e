# id: K-24
# title: a 32-bit system call (int 0x80) in the interpreter itself
# attacker: A3
# boundary: B8
# layer: seccomp architecture
# leaf: syscalls.allow
# outcome: {"status": ["signal"], "signal": [31]}
# control: {"getpid": ["ok"]}
# needs: ia32
# last: it ends the interpreter

GETPID = machine_code(b"\xb8\x14\0\0\0\xcd\x80\xc3")  # mov eax, 20; int 0x80; ret

{"getpid": "ok" if GETPID() == os.getpid() else "wrong"}
