#!/bin/sh
# clang-tidy over our C files, with the flags they were built with, as many at once as there are
# processors. A file that was clean is looked at again only when it, or a header, has changed.
#
# usage: tools/clang_tidy.sh BUILD_FOLDER
set -eu
build=$1
clean=$build/clang-tidy
mkdir -p "$clean"

headers=$(find src -name '*.h' -print0 | sort -z | xargs -0 cat .clang-tidy | cksum | tr -d ' ')
export build clean headers
find src -name '*.c' -print | sort | xargs -P "$(nproc)" -n 1 sh -c '
    mark=$clean/$(cksum <"$0" | tr -d " ")-$headers
    [ -e "$mark" ] && exit 0
    clang-tidy-14 --quiet -p "$build" "$0" 2>/dev/null && touch "$mark"
'
