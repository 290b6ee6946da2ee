"""Counts what ctest ran and shows what failed:  ctest_report.py NAME JUNIT-FILE COUNTS-FILE

A program of cmocka tests counts as its tests, another one (a script) as one.  A program that ends badly without a
failed test in it (a sanitizer, a signal, a time-out, not built) counts as one failure.
"""
import re
import sys
import xml.etree.ElementTree as xml

SUMS = {word: re.compile(r"\[  %s\] (\d+) test\(s\)" % word.ljust(8)) for word in ("PASSED", "FAILED", "SKIPPED")}
FINDING = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:")


def result(case):
    """(passed, failed, skipped, output) of one program."""
    text = case.findtext("system-out") or ""
    passed, failed, skipped = (sum(map(int, pattern.findall(text))) for pattern in SUMS.values())
    if case.get("status") != "run":
        return passed, max(failed, 1), skipped, text
    if passed + failed + skipped == 0:
        cmocka = case.get("name").startswith(("unit_", "sim_"))
        return (0, 1, 0, text + "\nno cmocka test ran") if cmocka else (1, 0, 0, text)
    return passed, failed, skipped, text


def excerpt(text):
    """What a sanitizer says, else the failed assertions with what led to them, else the end."""
    lines = text.splitlines()
    found = next((i for i, line in enumerate(lines) if FINDING.search(line)), None)
    if found is not None:
        return lines[found:found + 60]
    told = [i for i, line in enumerate(lines) if line.startswith(("[  ERROR", "[  FAILED")) or "error: Failure!" in line]
    return lines[max(0, told[0] - 10):told[0] + 40] if told else lines[-40:]


def main():
    name, source, counts = sys.argv[1:]
    try:
        cases = list(xml.parse(source).getroot().iter("testcase"))
    except (OSError, xml.ParseError) as error:
        cases = []
        print(f"  FAILED  {name}: ctest left no result: {error}")
    totals = [0, 0, 0]
    for case in cases:
        passed, failed, skipped, text = result(case)
        totals = [a + b for a, b in zip(totals, (passed, failed, skipped))]
        if failed:
            print(f"  FAILED  {case.get('name')}: {failed} ({case.get('status')}, {float(case.get('time', 0)):.1f} s)")
            print("\n".join("    " + line for line in excerpt(text)))
    if not cases:
        totals[1] += 1
    word = "ok    " if totals[1] == 0 else "FAILED"
    print(f"  {word}  {name}: {len(cases)} programs, {totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    with open(counts, "a", encoding="ascii") as f:
        print(*totals, file=f)
    return 0 if cases else 1


sys.exit(main())
