# id: R-19
# title: print 80 MB
# attacker: A1
# boundary: B10
# layer: init counts and cuts the output
# leaf: output.total.max_bytes
# outcome: {"status": ["output_limit"], "output.stdout.truncated": [true],
#   "output.stdout.bytes": ["<=83886080"]}
# outcome if output.total.max_bytes>83886080: {"status": ["ok"]}
# control: {"wrote": [">83000000"]}
# last: it dies of it


LINE = b"x" * 65535 + b"\n"

wrote = 0
while wrote < 80 << 20:
    wrote += os.write(1, LINE)
{"wrote": wrote}
