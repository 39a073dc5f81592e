# id: Y-15
# title: system calls from machine code of its own
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"socket": ["EPERM"], "unshare": ["EPERM"]}
# expect if network.mode=loopback: {"socket": ["ok"]}
# control: {"socket": ["ok"], "unshare": ["ok"]}


def makes(number, first, second=0):
    """mov eax, number; mov edi, first; mov esi, second; xor edx, edx; syscall; ret."""
    code = b"\xb8" + struct.pack("<I", number) + b"\xbf" + struct.pack("<I", first)
    code += b"\xbe" + struct.pack("<I", second) + b"\x31\xd2\x0f\x05\xc3"
    value = machine_code(code)()
    return word(-value) if value < 0 else "ok"


{
    "socket": makes(NUMBERS["socket"], 2, 1),
    "unshare": in_child(lambda: makes(NUMBERS["unshare"], 0x08000000)),  # CLONE_NEWIPC
}
