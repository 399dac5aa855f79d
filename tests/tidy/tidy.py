#!/usr/bin/env python3
"""What reviews forget, checked with the tests.

    tidy.py [ROOT]        the whole tree; prints "file:line: what; why; what instead", exit status 1 if anything
    tidy.py --self-test   each check finds what it is for, and leaves alone what it is not for

A check is a function from a tree (a dict: path -> text) to findings. Its name is listed in CHECKS, its examples in
EXAMPLES (examples.py beside this file); one without the other fails the self-test.
"""
import fnmatch
import pathlib
import posixpath
import re
import sys

FILE_LINES = 700
FUNCTION_LINES = 70
COLUMNS = 120
CODE = (".h", ".cpp")
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__", "corpus"}
TEXT_ENDINGS = {".h", ".cpp", ".py", ".sh", ".md", ".txt", ".toml", ".proto", ".cmake", ".js", ".mjs", ".css", ".html",
                ".service", ".yml", ".yaml", ""}
README_OF_ROOMS = "src/README.md"


class Finding:
    def __init__(self, path, line, what, why, instead):
        self.path, self.line, self.what, self.why, self.instead = path, line, what, why, instead

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}; {self.why}; {self.instead}"


# --- Reading C++ without a compiler -----------------------------------------------------------------------------------

def blank_text(text):
    """The code with comments and the insides of literals turned into spaces; lines stay where they are."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def numbered(text):
    return enumerate(text.split("\n"), 1)


def in_folder(path, *folders):
    return any(path.startswith(folder + "/") for folder in folders)


def code_files(tree, *folders):
    for path, text in sorted(tree.items()):
        if text is not None and path.endswith(CODE) and in_folder(path, *folders):
            yield path, text


def room_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def functions(text):
    """(first line, number of lines) of every function: from its signature to the closing brace of the same indent.

    Relies on the formatter: an opening brace ends its line, a closing one begins it.
    """
    lines = blank_text(text).split("\n")
    at = 0
    while at < len(lines):
        if not lines[at].rstrip().endswith("{"):
            at += 1
            continue
        first = statement_begin(lines, at)
        indent = len(lines[first]) - len(lines[first].lstrip())
        if not is_function(" ".join(lines[first:at + 1]).strip()):
            at += 1
            continue
        end = at + 1
        while end < len(lines) and not re.match(rf" {{{indent}}}\}}", lines[end]):
            end += 1
        yield first + 1, end - first + 1
        at = end


def statement_begin(lines, at):
    """The line on which the statement that ends on line `at` began."""
    while at > 0:
        before = lines[at - 1].strip()
        if before == "" or before.endswith((";", "{", "}", ":")) or before.startswith("#"):
            break
        at -= 1
    return at


def is_function(signature):
    if re.match(r"(namespace|class|struct|enum|union|extern|using|#)\b", signature) or signature.startswith("}"):
        return False
    if re.match(r"template\b.*>\s*(class|struct)\b", signature) or re.search(r"=\s*\{$", signature):
        return False
    return "(" in signature


# --- (a) Rooms and arrows ---------------------------------------------------------------------------------------------

def table_of_rooms(readme):
    """room -> what it may include, from the table under "Rooms"."""
    rooms = {}
    for line in readme.split("\n"):
        row = re.match(r"\| `(\w+)` \|.*\| ([^|]+) \|$", line)
        if row:
            words = re.split(r", |;", row[2])
            rooms[row[1]] = {word.strip() for word in words}
    return rooms


# First folder of an include -> the word in the table that allows it.
LIBRARIES = {"rocksdb": ("RocksDB",), "google": ("protobuf",), "boost": ("Asio", "Beast", "JSON"),
             "openssl": ("OpenSSL",)}


def needs(include):
    """What a room must have in the table for this include: a tuple of which any is enough, or None."""
    if re.match(r"lazaret/\w+/v1/", include):
        return ("protobuf",)
    if include.startswith("boost/unordered/"):
        return None  # a container; what core may do with it, banned_calls says
    return LIBRARIES.get(include.split("/")[0])


def include_arrows(tree):
    rooms = table_of_rooms(tree.get(README_OF_ROOMS) or "")
    if not rooms:
        yield Finding(README_OF_ROOMS, 1, "has no table of rooms", "the arrows are checked against it", "write one")
        return
    for path, text in code_files(tree, "src"):
        room = room_of(path)
        if room not in rooms:
            yield Finding(path, 1, f"the room {room} is not in {README_OF_ROOMS}", "a newcomer looks there first",
                          "add its row")
            continue
        if "everything" in rooms[room]:
            continue
        for line, words in numbered(text):
            found = re.match(r'#include [<"]([^>"]+)[>"]', words)
            if not found:
                continue
            target = found[1].split("/")[0]
            instead = f"{room} may include {', '.join(sorted(rooms[room]))}: pass it in, or move the code"
            if target in rooms and target not in rooms[room] | {room}:
                yield Finding(path, line, f"{room} includes {target}", "arrows go only down", instead)
            wanted = needs(found[1])
            if wanted and not set(wanted) & rooms[room]:
                yield Finding(path, line, f"{room} includes {found[1]}", "a library belongs to the rooms that wrap it",
                              instead)


def link_arrows(tree):
    """What a room links is what it may include: the compiler sees no more than the table says."""
    rooms = table_of_rooms(tree.get(README_OF_ROOMS) or "")
    for path, text in sorted(tree.items()):
        if not re.match(r"src/\w+/CMakeLists.txt$", path) or room_of(path) not in rooms:
            continue
        room = room_of(path)
        linked = re.search(r"\bROOMS ([\w\s]+?)\s*(?:LIBRARIES|SOURCES|\))", text or "")
        for word in linked[1].split() if linked else []:
            if word not in rooms[room] and "everything" not in rooms[room]:
                yield Finding(path, text[:linked.start()].count("\n") + 1, f"{room} links {word}",
                              f"{README_OF_ROOMS} does not allow it", "link only what may be included")


# --- (b) Sizes --------------------------------------------------------------------------------------------------------

def sizes(tree):
    for path, text in code_files(tree, "src", "include", "tools", "tests"):
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield Finding(path, 1, f"{lines} lines", f"a file has at most {FILE_LINES}", "give the second noun its own")
        for line, length in functions(text):
            if length > FUNCTION_LINES:
                yield Finding(path, line, f"a function of {length} lines", f"at most {FUNCTION_LINES}",
                              "name its parts and make them functions")


# --- (c) Calls --------------------------------------------------------------------------------------------------------

EVERYWHERE = [
    (r"\bsleep_for\b|\busleep\(|\bsleep\(", "nobody can wake or cancel it", "a timer, or a condition with a deadline"),
    (r"using namespace std;", "names of the library would fight with ours", "write std::"),
    (r"(?<![\w.>])(std::|::)?system\(", "a shell runs whatever is in the text", "posix_spawn with arguments"),
    (r"\bv?sprintf\(", "it writes beyond the buffer", "snprintf or std::string"),
    (r"\bstr(cpy|cat)\(", "it writes beyond the buffer", "std::string"),
]
# In the client a handler of the user's may never return, and must not keep its program from ending.
IN_DAEMON = [
    (r"\.detach\(\)", "nobody waits for it when the broker stops", "keep the thread and join it"),
]
IN_CORE = [
    (r"_clock::now\b|\btime\(nullptr\)|\bgettimeofday\(", "the same events must give the same run", "the event's time"),
    (r"\bstd::(jthread|thread|async)\b", "a step runs on its caller's thread", "an effect that asks for the work"),
    (r"\bstd::(shared_)?mutex\b|\bstd::atomic\b|\block_guard\b", "a shard has one thread", "nothing"),
    (r"\brand\(|\bstd::(random_device|mt19937)\b", "the same events must give the same run", "the event's seed"),
    (r"\bstd::(cout|cerr|ofstream|ifstream|filesystem)\b|\bprintf\(|\bspdlog\b", "the core has no input or output",
     "an effect"),
]
UNORDERED = r"\bunordered_(flat_|node_)?(map|set)\b"


def banned_calls(tree):
    for path, text in code_files(tree, "src"):
        original = text.split("\n")
        core = room_of(path) == "core"
        rules = EVERYWHERE + (IN_CORE if core else []) + (IN_DAEMON if room_of(path) != "client" else [])
        for line, words in numbered(blank_text(text)):
            for pattern, why, instead in rules:
                found = re.search(pattern, words)
                if found:
                    yield Finding(path, line, found[0].strip(), why, f"instead: {instead}")
            if core and re.search(UNORDERED, words) and "// lookup only" not in original[line - 1]:
                yield Finding(path, line, "an unordered container in core",
                              "whoever walks through it makes runs differ",
                              "instead: an ordered one, or say `// lookup only` on the line if that is so")


# --- (d) Left for later -----------------------------------------------------------------------------------------------

LEFT = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")


def nothing_left_for_later(tree):
    for path, text in sorted(tree.items()):
        if text is None:
            continue
        for line, words in numbered(text):
            found = LEFT.search(words)
            if found:
                yield Finding(path, line, found[0], "nobody comes back to it", "do it now, or open an issue")


# --- (e) Files that documents name ------------------------------------------------------------------------------------

NAMED = re.compile(r"\.(h|cpp|md|py|proto|service|cmake|js|html|toml)$")


def folders_of(tree):
    folders = set()
    for path in tree:
        parts = path.split("/")
        folders.update("/".join(parts[:i]) for i in range(1, len(parts)))
    return folders


def exists(tree, folders, path):
    path = posixpath.normpath(path)
    if "*" in path:
        return bool(fnmatch.filter(tree, path))
    return path in tree or path in folders or path == "."


def mentions(text):
    """(line, words that may be a path, whether it is certain): links, and words in code spans and code blocks."""
    for line, words in numbered(text):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", words):
            if not re.match(r"[a-z]+:", target):
                yield line, target, True
        spans = [words] if words.startswith("    ") else re.findall(r"`([^`]+)`", words)
        for word in " ".join(spans).split():
            word = word.split("#")[0].rstrip(".,;:")
            if re.fullmatch(r"(\.\./)*[\w.*-]+(/[\w.*-]+)*/?", word):
                yield line, word, False


def documents_name_files_that_exist(tree):
    folders = folders_of(tree)
    tops = {path.split("/")[0] for path in tree if "/" in path}
    base_names = {posixpath.basename(path) for path in tree}
    for path, text in sorted(tree.items()):
        if text is None or not path.endswith(".md"):
            continue
        here = posixpath.dirname(path)
        for line, word, certain in mentions(text):
            top = word.split("/")[0]
            if certain:
                good = exists(tree, folders, posixpath.join(here, word))
            elif "/" in word.rstrip("/"):
                if top not in tops and not word.startswith("../"):
                    continue  # a path of another tree
                bases = ("", here, "src", "include")
                good = any(exists(tree, folders, posixpath.join(base, word)) for base in bases)
            elif NAMED.search(word) and "*" not in word:
                # An operator's own file may have any name; a source file has one here.
                good = word in base_names or word.endswith(".toml")
            else:
                continue
            if not good:
                yield Finding(path, line, f"{word} does not exist", "a document that lies is worse than none",
                              "name what is there")
    yield from comments_name_documents_that_exist(tree)


def comments_name_documents_that_exist(tree):
    for path, text in code_files(tree, "src", "include", "tools", "tests"):
        for line, words in numbered(text):
            comment = words.split("//", 1)[1] if "//" in words else ""
            for word in re.findall(r"[\w./-]+\.md\b", comment):
                found = any(known == word or known.endswith("/" + word) for known in tree)
                if not found:
                    yield Finding(path, line, f"{word} does not exist", "a comment that lies is worse than none",
                                  "name what is there")


# --- (f) Tests that run -----------------------------------------------------------------------------------------------

def tests_run(tree):
    cmake = {path: text or "" for path, text in tree.items() if path.endswith("CMakeLists.txt")}
    for path, text in code_files(tree, "tests"):
        if path.endswith("_test.cpp"):
            name = re.compile(rf"(?<![\w]){re.escape(posixpath.basename(path))}\b")
            folder = posixpath.dirname(path)
            above = [cmake[p] for p in cmake if (folder + "/").startswith(posixpath.dirname(p) + "/")]
            if not any(name.search(uncommented_cmake(words)) for words in above):
                yield Finding(path, 1, "is in no CMakeLists.txt", "a test that is not built finds nothing",
                              "add it to the one of its folder")
            if not re.search(r"\b(TEST|TEST_F|TEST_P|TYPED_TEST)\(", blank_text(text)):
                yield Finding(path, 1, "has no test", "an empty test finds nothing", "write it or delete the file")
        for line, words in numbered(blank_text(text)):
            if re.search(r"\bDISABLED_\w", words):
                yield Finding(path, line, "a disabled test", "it finds nothing", "mend it or delete it")


def uncommented_cmake(text):
    return re.sub(r"#[^\n]*", "", text)


# --- (g) Names --------------------------------------------------------------------------------------------------------

EMPTY_WORDS = re.compile(r"(utils?|utilities|helpers?|managers?|misc|common|stuff|impl\d+|new|old|tmp)")


def names_say_something(tree):
    for path in sorted(tree):
        if not in_folder(path, "src", "include", "tools", "tests", "proto"):
            continue
        for part in posixpath.basename(path).split(".")[0].split("_"):
            if EMPTY_WORDS.fullmatch(part):
                yield Finding(path, 1, f"“{part}” in a file's name", "it says nothing of what is inside",
                              "name the noun that it holds")


# --- (h) Columns ------------------------------------------------------------------------------------------------------

def columns(tree):
    for path, text in sorted(tree.items()):
        wide_ones = path.endswith((".html", ".md", ".json")) or "/data/" in path
        if text is None or wide_ones or not in_folder(path, "src", "include", "tools", "tests"):
            continue
        formatted = True
        for line, words in numbered(text):
            if "clang-format off" in words:
                formatted = False
            if "clang-format on" in words:
                formatted = True
            if formatted and len(words) > COLUMNS:
                yield Finding(path, line, f"{len(words)} columns", f"at most {COLUMNS}", "break the line")


CHECKS = [include_arrows, link_arrows, sizes, banned_calls, nothing_left_for_later, documents_name_files_that_exist,
          tests_run, names_say_something, columns]


def read_tree(root):
    tree = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        # In a worktree .git is a file.
        if SKIPPED_FOLDERS & set(name.parts[:-1]) or name.name == ".git" or not path.is_file() or path.is_symlink():
            continue
        text = None
        if path.suffix in TEXT_ENDINGS:
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass
        tree[name.as_posix()] = text
    return tree


def self_test():
    from examples import EXAMPLES
    failures = [f"{name} has examples and is no check" for name in EXAMPLES if name not in {c.__name__ for c in CHECKS}]
    for check in CHECKS:
        cases = EXAMPLES.get(check.__name__, [])
        if not {bool(wanted) for _, wanted in cases} == {True, False}:
            failures.append(f"{check.__name__} needs an example that it finds and one that it leaves alone")
        for tree, wanted in cases:
            found = [f"{f.path}:{f.line}" for f in check(tree)]
            if found != wanted:
                failures.append(f"{check.__name__} on {tree}: found {found}, should find {wanted}")
    print("\n".join(failures) or f"tidy: {len(CHECKS)} checks do what they say")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    tree = read_tree(root)
    found = [str(finding) for check in CHECKS for finding in check(tree)]
    print("\n".join(found) or f"tidy: {len(tree)} files, nothing to say")
    return 1 if found else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
