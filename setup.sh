#!/bin/sh
# Make the virtual environment (setup.sh PYTHON FOLDER), or install the programs that only tests need
# (setup.sh --test-programs). System packages are installed where this runs as root; elsewhere it says what is missing.
set -eu

install() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "setup: not root, or no apt-get: cannot install $*" >&2
        return 1
    fi
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if [ "$1" = "--test-programs" ]; then
    missing=""
    command -v chromium >/dev/null || missing="$missing chromium"
    [ -n "$(find /usr/share/fonts -iname '*notosanscjk*' 2>/dev/null | head -n 1)" ] || missing="$missing fonts-noto-cjk"
    [ -n "$(find /usr/lib/postgresql -name initdb 2>/dev/null | head -n 1)" ] || missing="$missing postgresql"
    [ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
    command -v pdftotext >/dev/null || missing="$missing poppler-utils"
    for program in sqlite3 openssl; do
        command -v $program >/dev/null || missing="$missing $program"
    done
    # shellcheck disable=SC2086  # a list of words on purpose
    [ -z "$missing" ] || install $missing || echo "setup: tests that need$missing will be skipped" >&2
    exit 0
fi

python=$1
folder=$2
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: $python is older than Python 3.11. Name another one: make PYTHON=/path/to/python3.11 …" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    install python3-venv || { echo "setup: ask an administrator for the package python3-venv" >&2; exit 1; }
fi
[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
"$folder/bin/python" -m pip install -q --upgrade pip
