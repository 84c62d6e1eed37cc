#!/usr/bin/env bash
# Builds the courier for x86_64 and aarch64 into bin/, the same bytes each time.
#
#   build.sh           builds and replaces the bytes in bin/
#   build.sh --check   builds, and fails if bin/ holds anything else
#
# The compiler is pinned: Debian 12's rustc 1.63 and LLD 14, which will not change any more. They are downloaded from the
# Debian mirror that this machine uses anyway, by apt with a state of its own and so without root, and unpacked below
# target/; nothing is installed. Both can build for both machines.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${CARGO_TARGET_DIR:-$here/../../../target}/courier-toolchain
rust=1.63.0+dfsg1-2
llvm=1:14.0.6-12

cannot() {
    echo "The courier can't be built here: $1" >&2
    echo "It is built on Debian 12 (amd64 or arm64). The bytes in $here/bin are from there, and serve as they are;" >&2
    echo "what is missing is the proof that they come from the source beside them." >&2
    # A number of its own, so that a check elsewhere can skip this and say so.
    exit 3
}

fetch_tools() {
    local machine packages
    command -v apt-get dpkg-deb >/dev/null || cannot "there is no apt."
    machine=$(dpkg --print-architecture)
    case $machine in amd64 | arm64) ;; *) cannot "this machine is neither amd64 nor arm64." ;; esac
    rm -rf "$tools"
    mkdir -p "$tools"/{state/lists/partial,cache/archives/partial,packages,root}
    : >"$tools/state/status"
    cat >"$tools/apt.conf" <<END
Dir::State "$tools/state";
Dir::State::status "$tools/state/status";
Dir::Cache "$tools/cache";
APT::Architecture "$machine";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
END
    export APT_CONFIG=$tools/apt.conf
    apt-get update -qq 2>"$tools/update.log" || true # Other sources of this machine may fail; the download tells.
    packages=(
        "rustc:$machine=$rust" "libstd-rust-1.63:$machine=$rust" "libstd-rust-dev:amd64=$rust"
        "libstd-rust-dev:arm64=$rust" "libllvm14:$machine=$llvm" "lld-14:$machine=$llvm"
    )
    # What these need to run, and a bare system may lack. The bytes don't depend on them.
    for library in libbsd0 libedit2 libffi8 libgcc-s1 libicu72 liblzma5 libmd0 libstdc++6 libtinfo6 libxml2 libz3-4 zlib1g; do
        packages+=("$library:$machine")
    done
    (cd "$tools/packages" && apt-get download -qq "${packages[@]}") ||
        cannot "Debian 12's packages of rustc 1.63 can't be had."
    for package in "$tools"/packages/*.deb; do
        dpkg-deb -x "$package" "$tools/root"
    done
    rm -rf "$tools"/{state,cache,packages}
    touch "$tools/complete"
}

build() {
    local machine=$1 into=$2 libraries
    libraries=$(echo "$tools"/root/usr/lib/*-linux-gnu "$tools"/root/lib/*-linux-gnu | tr ' ' :)
    LD_LIBRARY_PATH=$libraries "$tools/root/usr/bin/rustc" "$here/program/main.rs" -o "$into" \
        --sysroot "$tools/root/usr" --remap-path-prefix "$here/program=courier" \
        --crate-name courier --crate-type bin --edition 2021 --target "$machine-unknown-linux-gnu" -D warnings \
        -C opt-level=s -C codegen-units=1 -C panic=abort -C force-unwind-tables=no -C relocation-model=static \
        -C strip=symbols -C linker="$tools/root/usr/lib/llvm-14/bin/ld.lld" -C linker-flavor=ld.lld \
        -C default-linker-libraries=no -C link-arg=-nostdlib -C link-arg=--gc-sections -C link-arg=--build-id=none
}

if [[ ${1-} == --check ]]; then
    # cargo doesn't know this program, so nobody else looks at its layout.
    rustfmt --check --edition 2021 "$here/program/main.rs"
fi
[[ -e $tools/complete ]] || fetch_tools
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
for machine in x86_64 aarch64; do
    build "$machine" "$built/courier-$machine"
    chmod 755 "$built/courier-$machine"
    if [[ ${1-} != --check ]]; then
        mkdir -p "$here/bin"
        cp "$built/courier-$machine" "$here/bin/"
    elif ! cmp "$built/courier-$machine" "$here/bin/courier-$machine"; then
        echo "bin/courier-$machine is not what its source gives: run src-tauri/crates/courier/build.sh and commit." >&2
        exit 1
    fi
done
