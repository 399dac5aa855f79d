"""For each check of tidy.py: small trees, and what it finds in them ("path:line")."""

ROOMS = """
| room | holds | may include |
|---|---|---|
| `base` | results | the standard library |
| `model` | messages | base |
| `core` | the rules | model, base |
| `storage` | RocksDB | model, base, RocksDB, protobuf |
| `net` | sessions | model, base, Asio |
| `daemon` | `lazaretd` | everything; nobody includes it |
"""


def rooms(**files):
    """src/<room>/a.h for each room given, beside the table."""
    return {"src/README.md": ROOMS} | {f"src/{room}/a.h": text for room, text in files.items()}


def long_function(lines, signature="int f(int a,\n      int b) {"):
    return signature + "\n" + "  g();\n" * (lines - signature.count("\n") - 2) + "}\n"


# The words are put together here, so that this file may stand in the tree that is checked.
LATER = "TO" + "DO"
OFF = "DISABLED" + "_"

EXAMPLES = {
    "include_arrows": [
        (rooms(core='#include <map>\n#include "core/b.h"\n#include "model/a.h"\n'), []),
        (rooms(base='#pragma once\n#include "model/ids.h"\n'), ["src/base/a.h:2"]),
        (rooms(core='#include "storage/run.h"\n'), ["src/core/a.h:1"]),
        (rooms(core="#include <boost/asio.hpp>\n"), ["src/core/a.h:1"]),
        (rooms(core="#include <boost/unordered/unordered_flat_map.hpp>\n"), []),
        (rooms(net="#include <boost/asio.hpp>\n#include <rocksdb/db.h>\n"), ["src/net/a.h:2"]),
        (rooms(storage='#include <rocksdb/db.h>\n#include "lazaret/storage/v1/records.pb.h"\n'), []),
        (rooms(net='#include "lazaret/wire/v1/frames.pb.h"\n'), ["src/net/a.h:1"]),
        (rooms(daemon='#include "net/a.h"\n#include <boost/asio.hpp>\n'), []),
        (rooms(model='#include "daemon/a.h"\n'), ["src/model/a.h:1"]),
        (rooms(attic="int x;\n"), ["src/attic/a.h:1"]),
        ({"src/core/a.h": ""}, ["src/README.md:1"]),
    ],
    "link_arrows": [
        (rooms() | {"src/core/CMakeLists.txt": "lazaret_room(core\n  SOURCES a.cpp\n  ROOMS model base)\n"}, []),
        (rooms() | {"src/core/CMakeLists.txt": "lazaret_room(core\n  SOURCES a.cpp\n  ROOMS model net)\n"},
         ["src/core/CMakeLists.txt:3"]),
        (rooms() | {"src/net/CMakeLists.txt": "lazaret_room(net SOURCES a.cpp ROOMS base storage LIBRARIES x)\n"},
         ["src/net/CMakeLists.txt:1"]),
    ],
    "sizes": [
        ({"src/core/a.cpp": long_function(70)}, []),
        ({"src/core/a.cpp": "\n" + long_function(71)}, ["src/core/a.cpp:2"]),
        ({"src/core/a.h": "class A {\n  void f() {\n" + "    g();\n" * 69 + "  }\n};\n"}, ["src/core/a.h:2"]),
        ({"src/core/a.h": "struct A {\n" + "  int a(int b);\n" * 80 + "};\n"}, []),
        ({"src/core/a.cpp": "const int k[] = {\n" + "    f(1),\n" * 80 + "};\n"}, []),
        ({"src/core/a.cpp": long_function(40) + long_function(40)}, []),
        ({"src/core/a.cpp": 'constexpr auto k = R"json({\n' + "f(1) {\n" * 80 + '})json";\n'}, []),
        ({"tests/a_test.cpp": long_function(71, "TEST(A, B) {")}, ["tests/a_test.cpp:1"]),
        ({"src/core/a.h": "int a;\n" * 701}, ["src/core/a.h:1"]),
        ({"src/core/a.h": "int a;\n" * 700}, []),
    ],
    "banned_calls": [
        ({"src/core/a.cpp": "auto t = std::chrono::steady_clock::now();\n"}, ["src/core/a.cpp:1"]),
        ({"src/engine/a.cpp": "auto t = std::chrono::steady_clock::now();\n"}, []),
        ({"src/core/a.cpp": "\nstd::thread t;\nstd::mutex m;\n"}, ["src/core/a.cpp:2", "src/core/a.cpp:3"]),
        ({"src/core/a.cpp": "int r = rand();\nint operand(int x);\n"}, ["src/core/a.cpp:1"]),
        ({"src/core/a.cpp": "std::unordered_map<int, int> a;\n"}, ["src/core/a.cpp:1"]),
        ({"src/core/a.cpp": "std::unordered_map<int, int> a;  // lookup only\n"}, []),
        ({"src/engine/a.cpp": "std::unordered_map<int, int> a;\n"}, []),
        ({"src/net/a.cpp": "std::this_thread::sleep_for(x);\n"}, ["src/net/a.cpp:1"]),
        ({"src/net/a.cpp": '// sleep_for(x)\nlog("system(rm)");\n'}, []),
        ({"src/net/a.cpp": "std::system(x);\nboost::system::error_code e;\n"}, ["src/net/a.cpp:1"]),
        ({"src/net/a.cpp": "using namespace std;\nusing namespace std::chrono;\n"}, ["src/net/a.cpp:1"]),
        ({"src/net/a.cpp": "sprintf(b, x);\nsnprintf(b, 1, x);\nstrcpy(a, b);\n"},
         ["src/net/a.cpp:1", "src/net/a.cpp:3"]),
    ],
    "nothing_left_for_later": [
        ({"src/core/a.h": f"// {LATER}: later\n", "deploy/x": f"\n# {LATER}\n"}, ["deploy/x:2", "src/core/a.h:1"]),
        ({"src/core/a.h": f"// {LATER}NE\n"}, []),
    ],
    "documents_name_files_that_exist": [
        ({"README.md": "[a](src/a.h) `src/a.h` `b.md` [x](https://x.org) `/etc/x.md`\n"},
         ["README.md:1", "README.md:1"]),
        ({"README.md": "[a](src/a.h) `src/a.h` [top](#top) [part](src/a.h#part)\n", "src/a.h": ""}, []),
        ({"README.md": "`src/`, `src/*.h`, `a.h` and `build/release/bin/x`\n", "src/a.h": ""}, []),
        ({"README.md": "    tools/run --fast   # `orders`\n", "tools/build": ""}, ["README.md:1"]),
        ({"src/README.md": "`core/event.h` `src/core/event.h`\n", "src/core/event.h": ""}, []),
        ({"src/README.md": "`../README.md`\n\n[x](../FORMAT.md)\n", "README.md": ""}, ["src/README.md:3"]),
        ({"src/a.h": "// Drawn in FORMAT.md.\n"}, ["src/a.h:1"]),
        ({"src/a.h": "// FORMAT.md, proto/README.md.\n", "src/x/FORMAT.md": "", "proto/README.md": ""}, []),
    ],
    "tests_run": [
        ({"tests/unit/a_test.cpp": "TEST(A, B) {}\n", "tests/unit/CMakeLists.txt": "SOURCES a_test.cpp"}, []),
        ({"tests/unit/a_test.cpp": "TEST(A, B) {}\n", "tests/unit/CMakeLists.txt": "SOURCES aa_test.cpp"},
         ["tests/unit/a_test.cpp:1"]),
        ({"tests/unit/a_test.cpp": "TEST(A, B) {}\n", "tests/unit/CMakeLists.txt": "# a_test.cpp\n"},
         ["tests/unit/a_test.cpp:1"]),
        ({"tests/unit/a_test.cpp": "// TEST(A, B)\n", "tests/CMakeLists.txt": "unit/a_test.cpp"},
         ["tests/unit/a_test.cpp:1"]),
        ({"tests/a_test.cpp": f"\nTEST(A, {OFF}B) {{}}\n", "tests/CMakeLists.txt": "a_test.cpp"},
         ["tests/a_test.cpp:2"]),
    ],
    "names_say_something": [
        ({"src/core/retry_helper.h": "", "src/base/utils.cpp": "", "src/net/impl2.h": ""},
         ["src/base/utils.cpp:1", "src/core/retry_helper.h:1", "src/net/impl2.h:1"]),
        ({"src/core/retry.h": "", "src/base/newest.h": "", "deploy/common": ""}, []),
    ],
    "columns": [
        ({"src/core/a.h": "x" * 120 + "\n" + "x" * 121}, ["src/core/a.h:2"]),
        ({"src/core/a.h": "// clang-format off\n" + "x" * 200 + "\n// clang-format on\n"}, []),
        ({"tools/x": "x" * 121, "src/README.md": "x" * 121}, ["tools/x:1"]),
        ({"src/core/a.h": "ü" * 120}, []),
    ],
}
