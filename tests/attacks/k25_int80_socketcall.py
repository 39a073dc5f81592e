# id: K-25
# title: a network socket by the 32-bit call that socket()'s filter does not see
# attacker: A3
# boundary: B8
# layer: seccomp architecture
# leaf: syscalls.allow
# expect: {"socketcall": ["signal 31"]}
# control: {"socketcall": ["ok"]}
# needs: ia32


def socketcall():
    # The arguments have to lie below 4 GiB: MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT.
    libc.mmap.restype = ctypes.c_void_p
    low = libc.mmap(None, 4096, 3, 0x62, -1, 0)
    ctypes.memmove(low, struct.pack("<III", 2, 1, 0), 12)
    # push rbx; mov eax, 102; mov ebx, 1; mov ecx, low; int 0x80; cdqe; pop rbx; ret
    code = b"\x53\xb8\x66\0\0\0\xbb\x01\0\0\0\xb9" + struct.pack("<I", low)
    fd = machine_code(code + b"\xcd\x80\x48\x98\x5b\xc3")()
    return "ok" if fd >= 0 else word(-fd)


{"socketcall": in_child(socketcall)}
