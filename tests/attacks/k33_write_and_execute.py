# id: K-33
# title: run machine code that the block wrote
# attacker: A3
# boundary: B8
# layer: policy process.write_and_execute
# leaf: process.write_and_execute
# expect: {"own machine code": ["ran", "EPERM", "EACCES"]}
# control: {"own machine code": ["ran"]}
# gap: {"own machine code": "allowed unless the policy says otherwise: compilers need it"}

try:
    RETURN_42 = machine_code(b"\xb8\x2a\0\0\0\xc3")
    said = "ran" if RETURN_42() == 42 else "wrong"
except OSError as error:
    said = word(error.errno)

{"own machine code": said}
