"""What `caisson probe` prints: leaf of the policy, mechanism, attacks, result."""

from not_shown import NOT_SHOWN


def by_leaf(table):
    """[(leaf, mechanisms, rows)], in the order of the leaves."""
    groups = {}
    for row in table:
        groups.setdefault(row["leaf"], []).append(row)
    for leaf, rows in sorted(groups.items()):
        layers = list(dict.fromkeys(row["layer"] for row in rows))
        yield leaf, layers, rows


def ids(rows):
    """K-01, K-02, K-03, K-05 -> "K-01…K-03 K-05"."""
    words, run = [], []
    for name in [row["id"] for row in rows] + [None]:
        follows = run and name and name[:2] == run[-1][:2] and name[2:].isdigit()
        if follows and run[-1][2:].isdigit() and int(name[2:]) == int(run[-1][2:]) + 1:
            run.append(name)
            continue
        if len(run) > 2:
            words.append(run[0] + "…" + run[-1])
        else:
            words += run
        run = [name]
    return " ".join(words)


def result_of(rows):
    wrong = [row["id"] for row in rows if row["verdict"] == "MISMATCH"]
    if wrong:
        return "NOT AS EXPECTED: " + " ".join(wrong)
    held = sum(row["verdict"] == "held" for row in rows)
    skipped = len(rows) - held
    return "held" + (", %d not shown" % skipped if skipped else "") if held else "not shown"


def cut(text, width):
    return text if len(text) <= width else text[: width - 1] + "…"


def counts(table):
    """{"held": 90, "skipped": 2, "MISMATCH": 0}"""
    found = {"held": 0, "skipped": 0, "MISMATCH": 0}
    for row in table:
        found[row["verdict"]] += 1
    return found


def verdict(report):
    found = counts(report["attacks"])
    wrong = found["MISMATCH"] + len(report["traces"])
    under = "%s on %s" % (report["policy"], report["backend"])
    if wrong:
        return "%s: %d of %d attacks did not end as expected, %d traces outside" % (
            under, found["MISMATCH"], len(report["attacks"]), len(report["traces"]))  # fmt: skip
    if not found["held"]:
        return "%s: nothing could be shown" % under
    shown = "each works where nothing holds it" if report["control"] == "ran" else "without control"
    return "%s: %d attacks held, %s" % (under, found["held"], shown)


def print_report(report):
    print("%-34s %-40s %-30s %s" % ("leaf", "mechanism", "attacks", "result"))
    for leaf, layers, rows in by_leaf(report["attacks"]):
        print("%-34s %-40s %-30s %s"
              % (cut(leaf, 34), cut("; ".join(layers), 40), cut(ids(rows), 30), result_of(rows)))  # fmt: skip
        for row in rows:
            for line in row["problems"]:
                print("    %s %s: %s" % (row["id"], row["title"], line))
    for line in report["traces"]:
        print("trace outside: " + line)
    reasons = [(row["id"], row["title"], row["reason"]) for row in report["attacks"] if row["reason"]]
    if not report["only"]:
        reasons += [(name, *why) for name, why in NOT_SHOWN.items()]
    if reasons or report["control"] != "ran":
        print("\nnot shown here:")
    for name, title, reason in reasons:
        print("  %-5s %s: %s" % (name, title, reason))
    if report["control"] != "ran":
        print("  that the attacks work where nothing holds them: " + report["control"])
    print("\n" + verdict(report))
