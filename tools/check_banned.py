#!/usr/bin/env python3
"""Calls that do not appear in this tree, rules of the pure folders, and the length of things.

Comments and strings are blanked out first, so that words about a call are no call.
--report prints the distribution of function lengths.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FUNCTION_LINES = 100
FILE_LINES = 1000
EXPLAINED = re.compile(r"\blong\b", re.I)  # "long because …" in the comment above

EVERYWHERE = "strcpy strcat sprintf vsprintf atoi atol atoll atof strtok alloca gets".split()
CLOCK = "clock_gettime gettimeofday time clock timespec_get ftime".split()
SLEEP = "sleep usleep nanosleep clock_nanosleep".split()
STDIO = ("printf fprintf snprintf vsnprintf vfprintf dprintf puts fputs putchar fopen fclose fread "
         "fwrite getline scanf sscanf fscanf perror").split()
LOCKS = ("pthread_mutex_lock pthread_mutex_trylock pthread_rwlock_rdlock pthread_rwlock_wrlock "
         "pthread_spin_lock pthread_cond_wait sem_wait mtx_lock").split()
SOCKETS = "socket bind connect send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg poll".split()
HEAP = "malloc calloc realloc reallocarray aligned_alloc posix_memalign strdup strndup free".split()
PURE_HEADERS = re.compile(r"^\s*#\s*include\s*<(stdio|time|pthread|threads|jansson|sys/socket|"
                          r"sys/time|poll|unistd)[./a-z]*>", re.M)
LIFE = re.compile(r"create|destroy|alloc|grow|fini|free")  # functions in which pure code may allocate

PRODUCT = ("sfu/", "signaling/", "chat/", "plugins/", "recorder/", "tools/")
PURE = ("sfu/proto/", "sfu/media/")


def call_pattern(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")


RULES = [  # (folders, exceptions, pattern, why)
    (("",), (), call_pattern(EVERYWHERE), "is banned"),
    (PRODUCT, ("sfu/base/clock.c",), call_pattern(CLOCK), "reads a clock: use struct sfu_clock"),
    (PRODUCT, (), call_pattern(SLEEP), "sleeps: use a timer"),
    (PURE, (), call_pattern(STDIO), "is stdio, in a pure folder"),
    (PURE, (), call_pattern(LOCKS), "is a lock, in a pure folder"),
    (PURE, (), call_pattern(SOCKETS), "is a socket call, in a pure folder"),
    (PURE, (), PURE_HEADERS, "is not for a pure folder"),
]
HEAP_CALL = call_pattern(HEAP)
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    """Comments and literals as spaces; lines stay where they are."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def functions(code):
    """(name, first line, last line) of each body: '{' and '}' alone in the first column."""
    lines = code.split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line.startswith("}") and start is not None:
            head = start
            while head > 0 and lines[head - 1].strip() not in ("", "}", "};") and \
                    not lines[head - 1].startswith("#"):
                head -= 1
            match = re.search(r"(\w+)\s*\(", " ".join(lines[head:start]))
            yield (match.group(1) if match else "?", head, i)
            start = None


def comment_above(text, line):
    """The comment that ends right above this line (counted from 0)."""
    lines = text.split("\n")
    end = line
    while line > 0 and lines[line - 1].lstrip().startswith(("/*", "*", "//")):
        line -= 1
    return "\n".join(lines[line:end])


def check_file(path, lengths):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    code = blank(text)
    errors = []
    for folders, exceptions, pattern, why in RULES:
        if path.startswith(folders) and path not in exceptions:
            errors += [f"{path}:{line_of(code, m.start(1))}: {m.group(1)} {why}"
                       for m in pattern.finditer(code)]
    count = text.count("\n")
    if count > FILE_LINES and not EXPLAINED.search(text.split("*/")[0]):
        errors.append(f"{path}: {count} lines; over {FILE_LINES} the first comment says why it is long")
    for name, first, last in functions(code):
        length = last - first + 1
        lengths.append((length, path, name))
        # the head may hold the comment, blanked, so look from the first line that has text
        if length > FUNCTION_LINES and not EXPLAINED.search(
                comment_above(text, first) + "\n".join(text.split("\n")[first:first + 8])):
            errors.append(f"{path}:{first + 1}: {name} has {length} lines; over {FUNCTION_LINES} "
                          "the comment above says why it is long")
        if path.startswith(PURE) and not LIFE.search(name):
            body = "\n".join(code.split("\n")[first:last + 1])
            errors += [f"{path}:{first + line_of(body, m.start())}: {m.group(1)} in {name}: "
                       "a pure folder allocates in create only" for m in HEAP_CALL.finditer(body)]
    return errors


def main():
    out = subprocess.run(["git", "-C", ROOT, "ls-files", "--", "*.c", "*.h"], check=True,
                         capture_output=True, text=True).stdout
    paths = [p for p in out.splitlines() if os.path.exists(os.path.join(ROOT, p))]
    lengths = []
    errors = [e for path in paths for e in check_file(path, lengths)]
    for error in errors:
        print(error)
    lengths.sort()
    if "--report" in sys.argv and lengths:
        for share in (50, 90, 99):
            print(f"{share} % of the functions have at most {lengths[len(lengths) * share // 100][0]} lines")
        for length, path, name in lengths[:-16:-1]:
            print(f"{length:4} {path} {name}")
    print(f"{len(paths)} files, {len(lengths)} functions, {len(errors)} errors")
    return 1 if errors or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
