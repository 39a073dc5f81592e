"""Whether what came of an attack is what its header says, under the policy that it ran under."""

import ast

import control

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "": 1}


def number(text):
    """A number, a size ("64Mi") or None."""
    if isinstance(text, (int, float)):
        return text
    unit = text[-2:] if text[-2:] in _UNITS else ""
    digits = text[: len(text) - len(unit)]
    return int(digits) * _UNITS[unit] if digits.isdigit() else None


def leaves_of(shown):
    """{"resources.pids.max": 64, ...} from what `caisson policy show --json` says."""
    leaves = {}

    def walk(path, node):
        if isinstance(node, dict) and "value" in node and "origin" in node:
            leaves[path] = node["value"]
        elif isinstance(node, dict):
            for key, value in node.items():
                walk(path + "." + key if path else key, value)
        elif isinstance(node, list):
            leaves[path] = [one["value"] for one in node]

    walk("", shown["policy"])
    return leaves


def may_lose_state(leaves):
    return leaves.get("session.checkpoints", 0) == 0


def _applies(leaf, comparison, value, leaves):
    have = leaves.get(leaf)
    if have is None:
        return False
    if comparison == "=":
        return str(have) == value
    return number(have) > number(value) if comparison == ">" else number(have) < number(value)


def expected(attack, leaves):
    """(expect, outcome) under a policy with these leaves."""
    found = {"expect": dict(attack.expect), "outcome": dict(attack.outcome)}
    for key, leaf, comparison, value, says in attack.special:
        if _applies(leaf, comparison, value, leaves):
            found[key].update(says)
    return found["expect"], found["outcome"]


def _bound(text, leaves):
    text, _, more = text.partition("+")
    known = number(text)
    return (number(leaves.get(text, 0)) if known is None else known) + int(more or 0)


def is_right(got, right, leaves):
    for word in right:
        if word == "*" or word == got:
            return True
        compares = isinstance(word, str) and isinstance(got, (int, float))
        if compares and word.startswith("<=") and got <= _bound(word[2:], leaves):
            return True
        if compares and word.startswith(">") and got > _bound(word[1:], leaves):
            return True
    return False


def value_of(attack, outcome):
    """The dictionary that the block ended with, or printed last; None when it is not one."""
    try:
        text = outcome["stdout"] if attack.dies else outcome["value"]["text/plain"]
        value = ast.literal_eval(text.strip().splitlines()[-1])
    except (TypeError, KeyError, IndexError, ValueError, SyntaxError):
        return None
    return value if isinstance(value, dict) else None


def wrong_results(right, value, leaves):
    """One line for each check that is not as expected."""
    if value is None:
        return ["no results"]
    lines = []
    for check in sorted(right.keys() | value.keys()):
        words = right.get(check, [])
        got = value.get(check)
        if check not in value or not is_right(got, words, leaves):
            want = " or ".join(str(one) for one in words) or "a known check"
            lines.append("%s: %s, not %s" % (check, got if check in value else "nothing", want))
    return lines


def unexplained(attack, denials):
    """System calls whose refusal is not among the denials, with its rule and its hint."""
    told = [one["subject"] for one in denials if one["rule"] and one["hint"]]
    missing = [call for call in attack.explained if not any(s.startswith(call + "(") for s in told)]
    return ["%s: refused without a denial that explains it" % call for call in missing]


def part_of(outcome, path):
    """outcome["state"]["change"] for "state.change"; None when there is none."""
    for key in path.split("."):
        outcome = outcome.get(key) if isinstance(outcome, dict) else None
    return outcome


def _end_of_deadly(outcome, leaves):
    state = outcome["state"]
    # Without checkpoints there is only the empty state, number 0, to go back to.
    right = state["change"] == "rolled_back"
    right = right and (state["checkpoint"] == 0) == may_lose_state(leaves)
    return [] if right else ["the state is not back where it was: %s" % state]


def judge(attack, outcome, leaves):
    """Lines about what is wrong with this outcome; none: as expected."""
    if outcome is None:
        return ["no outcome"]
    results, about_block = expected(attack, leaves)
    lines = []
    for path, right in about_block.items():
        got = part_of(outcome, path)
        if not is_right(got, right, leaves):
            lines.append("%s: %.200r, not %s" % (path, got, " or ".join(map(str, right))))
    if attack.dies and outcome["status"] == "exited":
        lines += _end_of_deadly(outcome, leaves)
    elif "status" not in about_block and outcome["status"] != "ok":
        error = outcome.get("error") or {}
        text = error.get("message") or outcome.get("reason") or ""
        return lines + ["the block ended %s: %s" % (outcome["status"], text)]
    if results:
        lines += wrong_results(results, value_of(attack, outcome), leaves)
        # Where the policy grants the call, nothing is refused that could be explained.
        if results == attack.expect:
            lines += unexplained(attack, outcome["denials"])
    said = outcome["stdout"].strip()
    return lines + ["it printed: %.300s" % said] if lines and said else lines


def _ended(answer):
    if answer["status"] == "signal":
        return "signal %d" % answer["signal"]
    return answer["status"]


def judge_control(attack, answer, leaves):
    """What is wrong with the control: without a layer the attack must work."""
    if answer is None:
        return ["it has no answer"]
    if "ended" in attack.control:
        return wrong_results(attack.control, {"ended": _ended(answer)}, leaves)
    if answer["status"] != "ok":
        return ["it ended: %s" % answer.get("reason", _ended(answer))]
    right, value = attack.control, answer["value"]
    if not control.user_namespaces():
        right = {check: words for check, words in right.items() if "user" not in check.split()}
        value = {check: got for check, got in value.items() if "user" not in check.split()}
    lines = wrong_results(right, value, leaves)
    for check, words in expected(attack, leaves)[0].items():
        if check in value and check not in attack.gap and is_right(value[check], words, leaves):
            if words == attack.expect.get(check):
                lines.append("%s: %s is right in the sandbox, too: it shows nothing"
                             % (check, value[check]))  # fmt: skip
    return lines
