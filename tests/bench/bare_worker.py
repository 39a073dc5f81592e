"""The floor that a block's latency is compared with: Python behind a unix socket and nothing else.

Reads a line of code, evaluates it, writes the repr. No container, no limits, no capture, no state
that survives anything.
"""
import socket
import sys

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(1)
print("ready", flush=True)
connection, _ = server.accept()
names = {}
while True:
    code = connection.recv(65536)
    if not code:
        break
    connection.send(repr(eval(compile(code, "<block>", "eval"), names)).encode())
