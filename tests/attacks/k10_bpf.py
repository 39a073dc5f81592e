# id: K-10
# title: load programs and maps into the kernel
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"map": ["EPERM"], "program": ["EPERM"]}
# control: {"map": ["ok"], "program": ["ok"]}
# explained: ["bpf"]

code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0))
licence = ctypes.create_string_buffer(b"GPL")
program = struct.pack("<IIQQ", 1, 2, ctypes.addressof(code), ctypes.addressof(licence))

{
    "map": attempt_fd("bpf", 0, struct.pack("<IIIII", 2, 4, 4, 1, 0).ljust(64, b"\0"), 64),
    "program": attempt_fd("bpf", 5, program.ljust(64, b"\0"), 64),
}
