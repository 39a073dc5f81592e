# id: K-18
# title: open a file of the host by its number (Shocker)
# attacker: A3
# boundary: B8
# layer: seccomp
# leaf: syscalls.allow
# expect: {"name_to_handle_at": ["EPERM"], "open_by_handle_at": ["EPERM"]}
# control: {"name_to_handle_at": ["ok"], "open_by_handle_at": ["ok"]}
# explained: ["name_to_handle_at", "open_by_handle_at"]

handle = ctypes.create_string_buffer(struct.pack("<II", 128, 0).ljust(136, b"\0"))
mount = ctypes.c_int(0)
named = attempt("name_to_handle_at", AT_FDCWD, b"/etc/passwd", handle, ctypes.byref(mount), 0)
try:
    beside = os.open("/etc/passwd", os.O_RDONLY)
except OSError:
    beside = 0

{
    "name_to_handle_at": named,
    "open_by_handle_at": attempt_fd("open_by_handle_at", beside, handle, 0),
}
