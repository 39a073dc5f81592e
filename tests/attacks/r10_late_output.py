# id: R-10
# title: a child goes on printing when the block is over
# attacker: A3
# boundary: B5
# layer: output pipes of one block
# leaf: output.stdout.max_bytes
# outcome: {"stdout": [""]}
# expect: {"said": ["nothing here"]}
# control: {"said": ["nothing here"]}
# gap: {"said": "what it prints is in the outcome, which only the sandbox has"}


def chatter():
    for _ in range(400):
        try:
            os.write(1, b"late ")
        except OSError:
            pass
        call("nanosleep", struct.pack("<qq", 0, 5_000_000), None)


if os.fork() == 0:
    chatter()
    os._exit(0)

# next block
call("nanosleep", struct.pack("<qq", 0, 300_000_000), None)
{"said": "nothing here"}
