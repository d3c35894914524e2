"""Reads the result file of one test project for tests/run.

usage: summarise.py NAME RESULTS.xml EXIT_CODE LOG

Prints one line for the project (none when no test of it was asked for), each failure with its message, each skip with its
reason, and last three numbers: passed, failed, skipped. A process that ended badly counts as a failure of its own.
"""

import sys
import xml.etree.ElementTree as xml


def indent(text):
    return "\n".join("        " + line for line in text.strip().splitlines())


def main(name, results, code, log):
    tests, errors = [], []
    try:
        tree = xml.parse(results)
        tests = list(tree.iter("test"))
        errors = list(tree.iter("error"))
        complete = True
    except (OSError, xml.ParseError):
        complete = False

    counts = {"Pass": 0, "Fail": 0, "Skip": 0}
    for test in tests:
        if test.get("result") in counts:
            counts[test.get("result")] += 1
    failed = counts["Fail"] + len(errors)
    crashed = not complete or (code != 0 and failed == 0)
    if crashed or sum(counts.values()) + len(errors) > 0:
        print(f"{name}: {counts['Pass']} passed, {failed + crashed} failed, {counts['Skip']} skipped")
    for test in tests:
        if test.get("result") == "Fail":
            print(f"    FAILED {test.get('name')}")
            print(indent(test.findtext("failure/message") or ""))
            print(indent(test.findtext("failure/stack-trace") or ""))
        elif test.get("result") == "Skip":
            print(f"    skipped {test.get('name')}: {test.findtext('reason')}")
    for error in errors:
        print(f"    FAILED {error.get('type')} {error.get('name') or ''}")
        print(indent(error.findtext("failure/message") or ""))
    if crashed:
        print(f"    FAILED {name}: the process ended with code {code}; its last words:")
        with open(log, encoding="utf-8", errors="replace") as lines:
            print(indent("".join(lines.readlines()[-40:])))
    print(counts["Pass"], failed + crashed, counts["Skip"])


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
