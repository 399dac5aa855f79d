#!/usr/bin/env bash
# Installs into a folder of its own, builds worker.cpp against that with CMake and with pkg-config, looks at what the
# libraries show, lets the worker do one message on a broker of its own, and retries.cpp, a test, its retries in memory.
#
#   package_test.sh BUILD_DIR CXX
set -euo pipefail
build=$1
cxx=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
broker=
cleanup() {
  if [[ -n $broker ]]; then kill -9 "$broker" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

cmake --install "$build" --prefix "$work/prefix" >/dev/null
libdir=$(dirname "$(find "$work/prefix" -name liblazaret.so)")

for library in liblazaret.so liblazaret_testing.so; do
  echo "what $library shows is Lazaret's"
  # Besides lazaret:: only instances of standard and Boost templates over its types, which are weak.
  shown=$(nm -DC --defined-only "$libdir/$library")
  strangers=$(awk '$2 == "T" || $2 == "D" || $2 == "B"' <<<"$shown" | cut -d' ' -f3- | grep -v 'lazaret::' || true)
  if [[ -n $strangers ]]; then echo "$strangers" | head; exit 1; fi
  if cut -d' ' -f3- <<<"$shown" | grep -E '^lazaret::(wire|model|base|core|engine|storage|net)::'; then
    echo "the rooms inside are visible"
    exit 1
  fi
done

echo "with CMake"
mkdir "$work/outside"
cp "$here/worker.cpp" "$here/retries.cpp" "$work/outside/"
cat >"$work/outside/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(outside LANGUAGES CXX)
find_package(lazaret REQUIRED)
add_executable(worker worker.cpp)
target_link_libraries(worker PRIVATE lazaret::client)
add_executable(retries retries.cpp)
target_link_libraries(retries PRIVATE lazaret::testing)
CMAKE
cmake -S "$work/outside" -B "$work/outside/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" \
  >/dev/null
cmake --build "$work/outside/build" >/dev/null

echo "with pkg-config"
export PKG_CONFIG_PATH=$libdir/pkgconfig
# shellcheck disable=SC2046
"$cxx" -std=c++20 -Wall -Wextra -Werror "$here/worker.cpp" -o "$work/worker" \
  $(pkg-config --cflags --libs lazaret) -pthread

echo "a test of hours, in memory"
said=$(LD_LIBRARY_PATH=$libdir timeout 60 "$work/outside/build/retries")
[[ $said == '5 no such order' ]] || { echo "the test said: $said"; exit 1; }

echo "one message"
"$work/prefix/bin/lazaretd" --data-dir "$work/data" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 2>"$work/log" &
broker=$!
for _ in $(seq 600); do
  [[ -f $work/data/lazaretd.addresses ]] && break
  sleep 0.05
done
address=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["broker"])' "$work/data/lazaretd.addresses")
for worker in "$work/outside/build/worker" "$work/worker"; do
  said=$(LD_LIBRARY_PATH=$libdir timeout 60 "$worker" "lazaret://$address")
  [[ $said == '{"order": 1}' ]] || { echo "the worker said: $said"; exit 1; }
done
kill "$broker"
wait "$broker"
broker=
