# id: K-30
# title: pages of the page cache in pipes (Dirty Pipe)
# attacker: A3
# boundary: B12
# layer: seccomp
# leaf: syscalls.allow
# expect: {"splice": ["EPERM"], "tee": ["EPERM"], "vmsplice": ["EPERM"]}
# control: {"splice": ["ok"], "tee": ["ok"], "vmsplice": ["ok"]}
# explained: ["splice", "tee", "vmsplice"]

first, second = os.pipe(), os.pipe()
data = ctypes.create_string_buffer(b"data")
span = struct.pack("<QQ", ctypes.addressof(data), 4)
os.write(first[1], b"data")
result = {
    "splice": attempt("splice", first[0], None, second[1], None, 1, 2),
    "tee": attempt("tee", first[0], second[1], 1, 2),
    "vmsplice": attempt("vmsplice", second[1], span, 1, 2),
}
for fd in first + second:
    os.close(fd)
result
