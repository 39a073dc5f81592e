# id: P-19
# title: find a secret in the environment
# attacker: A2
# boundary: B6
# layer: environment allow-list
# leaf: env
# expect: {"secrets": ["none"], "other names": ["none"]}
# control: {"secrets": ["some"], "other names": ["some"]}

DECLARED = set(
    "HOME LANG LC_ALL LC_CTYPE PATH PWD TZ TMPDIR USER LOGNAME HOSTNAME TERM COLUMNS LINES "
    "MPLCONFIGDIR OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS NUMEXPR_NUM_THREADS "
    "MPLBACKEND PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PYTHONHASHSEED PYTHONIOENCODING "
    "PYTHONUTF8".split()
)

# What Python shows, and what the C library's own list holds.
names = set(os.environ)
pointers = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
at = 0
while pointers and pointers[at]:
    names.add(pointers[at].decode("utf-8", "replace").partition("=")[0])
    at += 1
secrets = [name for name in names if "CANARY" in name or "KEY" in name or "TOKEN" in name]
undeclared = sorted(names - DECLARED)
if undeclared:
    os.write(1, " ".join(undeclared).encode() + b"\n")

{"secrets": "some" if secrets else "none", "other names": "some" if undeclared else "none"}
