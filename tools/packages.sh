# tools/packages.sh - Debian packages by purpose, and how to bring them.  Sourced by ./run and ./check.

PACKAGES_BUILD="gcc libc6-dev cmake ninja-build pkg-config libssl-dev libnice-dev libsrtp2-dev libusrsctp-dev libwebsockets-dev
  libwebsockets-evlib-ev libev-dev libjansson-dev libjose-dev libyaml-dev libsqlite3-dev libunistring-dev ca-certificates"
PACKAGES_TEST="clang clang-format clang-tidy lld llvm libclang-rt-14-dev ccache libcmocka-dev libvpx-dev libopenh264-dev libopus-dev valgrind
  libglib2.0-dev curl git python3 procps iproute2 nftables coturn chromium firefox-esr ffmpeg fonts-dejavu-core
  simple-whip-client python3-aiortc python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-nice"
# the gates of ./check bench; and what only the side by side with another server needs
PACKAGES_BENCH_GATES="valgrind strace python3"
PACKAGES_BENCH="janus util-linux procps"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "error: '$*' needs root: run as root, or install sudo" >&2
        return 1
    fi
}

missing_packages() {
    local have name
    have=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii *//p')
    for name in "$@"; do
        grep -qx -- "$name" <<<"$have" || echo "$name"
    done
}

# install_packages name…: only what is missing, without questions.
install_packages() {
    local missing
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return 0
    echo "installing:" $missing
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=400 -o Acquire::Retries=3 update -qq || return 1
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=400 -o Acquire::Retries=3 install -y -qq --no-install-recommends $missing \
        >"${TMPDIR:-/tmp}/stoa-apt.$$.log" 2>&1 || { tail -20 "${TMPDIR:-/tmp}/stoa-apt.$$.log" >&2; return 1; }
    rm -f "${TMPDIR:-/tmp}/stoa-apt.$$.log"
}

# A Node.js of at least 18 with npm, whoever installed it; else Debian's.
install_node() {
    local major
    major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
    if [ "${major:-0}" -ge 18 ] && command -v npm >/dev/null; then
        return 0
    fi
    install_packages nodejs npm
}

# install_npm: brings what package-lock.json of the current folder names.  Not "npm ci": npm 11 refuses a lock in which optional
# packages of other platforms are absent, as they are where a registry does not carry them.
install_npm() {
    [ node_modules/.package-lock.json -nt package-lock.json ] || npm install --no-save --no-audit --no-fund --loglevel=error
}

# build_web DIR: brings packages and builds, only when a source is newer than the result.
build_web() {
    local dir=$1
    if [ -f "$dir/dist/index.html" ] &&
        [ -z "$(find "$dir" -path '*/node_modules' -prune -o -path "$dir/dist" -prune -o -type f -newer "$dir/dist/index.html" -print -quit)" ]; then
        return 0
    fi
    install_node || return 1
    (cd "$dir" && install_npm && npm run --silent build && touch dist/index.html)
}
