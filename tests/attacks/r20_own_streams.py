# id: R-20
# title: close 0, 1 and 2 and put others in their place
# attacker: A3
# boundary: B5
# layer: init's own ends of the pipes
# leaf: output.stdout.max_bytes
# outcome: {"stdout": ["and again\n"]}
# expect: {"stdout": ["open"]}
# control: {"stdout": ["closed"]}


for fd in (0, 1, 2):
    os.close(fd)
for _ in range(3):
    os.open("/dev/null", os.O_RDONLY)
os.close(1)

# next block
try:
    os.fstat(1)
    stdout = "open"
except OSError:
    stdout = "closed"
if stdout == "open":
    os.write(1, b"and again\n")
{"stdout": stdout}
