#!/bin/sh
# Link each C folder alone, with every symbol resolved (-z defs), against just what it may use: an
# arrow that points up, or a library that belongs to another folder, is an undefined symbol here.
#
# usage: tools/link.sh BUILD_FOLDER
set -eu
build=$1
status=0

# alone FOLDER FOLDERS_IT_MAY_USE LIBRARIES
alone() {
    below=
    for folder in $2; do
        below="$below $build/src/libab_$folder.a"
    done
    # shellcheck disable=SC2086 # one word a file
    if ! cc -shared -o "$build/link_check.so" -Wl,-z,defs \
        -Wl,--whole-archive "$build/src/libab_$1.a" -Wl,--no-whole-archive $below $3 -lpthread; then
        echo "src/$1 uses what it may not" >&2
        status=1
    fi
}

alone base "" ""
alone crypto "base" "-lcrypto"
alone wire "base" "-lexpat"
alone stream "crypto base" "-lcrypto -lzstd -lz"
alone net "stream crypto base" "-lcrypto -lzstd -lz -lcurl"
alone bind "net stream crypto wire base" "-lcrypto -lzstd -lz -lcurl -lexpat -llua5.4"
rm -f "$build/link_check.so"
exit "$status"
