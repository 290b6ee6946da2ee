# Format, include directions, banned calls, text rules; clang's warnings as errors (gcc's come with the other builds); clang-tidy.
must "format" tools/check_format.sh
must "includes" python3 tools/check_includes.py
must "banned calls" python3 tools/check_banned.py
must "text" python3 tools/check_text.py

# only objects: nothing of this build is ever run
clang_objects() { ninja -C build/clang -t targets all | sed -n 's/^\(.*\.o\): .*/\1/p' | xargs ninja -C build/clang -k 0 --quiet; }

if must "configure clang" configured clang -DCMAKE_C_FLAGS_DEBUG=-O0; then
    must "compile with clang" clang_objects
    must "clang-tidy" tools/check_tidy.sh build/clang
fi
