# Format, include directions, banned calls, text rules, and both compilers with warnings as errors.
must "format" tools/check_format.sh
must "includes" python3 tools/check_includes.py
must "banned calls" python3 tools/check_banned.py
must "text" python3 tools/check_text.py
if must "configure clang" configured clang; then
    must "build with clang" built clang
    must "clang-tidy" tools/check_tidy.sh build/clang
fi
