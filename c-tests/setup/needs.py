"""scripts/install-deps.sh: what it takes for there, and what it says of what is not."""

from machine import Machine, check, main


def clang_cpp_alone():
    """libclang-cpp is another library: a bare Debian 12 with it has no libclang."""
    machine = Machine()
    machine.no_file("usr/lib/llvm-14/lib/libclang.so.1")
    machine.file("usr/lib/llvm-14/lib/libclang-cpp.so.14")
    machine.file("usr/lib/x86_64-linux-gnu/libclang-cpp.so.14")
    check("libclang-dev" in machine.needs("building", "sip", status=1), "libclang-cpp passed for libclang")


def clang_without_headers():
    """libclang1-14 alone brings no stddef.h."""
    machine = Machine()
    machine.no_file("usr/lib/llvm-14/lib/clang")
    check("libclang-dev" in machine.needs("building", "sip", status=1), "nothing said of the compiler's own headers")


def clang_whole():
    """Debian's, and one folder for all, as others have it; the TURN half needs none."""
    machine = Machine()
    check(machine.needs("building", "sip") == "", "something is missing")
    machine.no_file("usr/lib/llvm-14")
    machine.needs("building", "sip", status=1)
    check(machine.needs("building") == "", "libclang was asked for to build the TURN half")
    machine.file("usr/lib64/libclang-18.so.18.1")
    machine.file("usr/lib/clang/18/include/stddef.h")
    check(machine.needs("building", "sip") == "", "/usr/lib64's was not found")


def clang_path():
    """LIBCLANG_PATH names the folder; a name that leads nowhere is no libclang."""
    machine = Machine()
    machine.no_file("usr/lib/llvm-14")
    machine.needs("building", "sip", status=1, LIBCLANG_PATH="/nowhere")
    machine.file("opt/llvm/lib/libclang.so")
    machine.file("opt/llvm/lib/clang/19/include/stddef.h")
    machine.needs("building", "sip", LIBCLANG_PATH=str((machine.system / "opt/llvm/lib").absolute()))


def old_rust():
    machine = Machine()
    machine.rust("1.85.0")
    said = machine.needs(status=1)
    check("1.85.0" in said and "rustup" in said and "1.95" in said, "it is not said what is there and what is needed")
    machine.rust("1.95.0")
    machine.needs()
    machine.rust("2.0.0-nightly")
    machine.needs()


def no_rust():
    machine = Machine()
    machine.without("rustc")
    check("rustup" in machine.needs(status=1), "rustup is not named")
    machine.program("rustc", "echo 'error: rustup could not choose a version of rustc to run' >&2; exit 1")
    check("rustup" in machine.needs(status=1), "rustup without a toolchain passed for Rust")


def rust_first():
    """Nothing is downloaded or installed for a build that cannot be."""
    machine = Machine()
    machine.user(0)
    machine.apt()
    machine.without("valgrind", "mmdebstrap")
    machine.rust("1.85.0")
    machine.needs(status=1)
    check(machine.asked_of_apt() == "", "apt was asked before Rust was looked at")


def old_cmake():
    """An old tool that stands first in the PATH is named, not its package alone."""
    machine = Machine()
    machine.apt()
    machine.program("cmake", "echo cmake version 3.9.6")
    said = machine.needs(status=1)
    check("bin/cmake is 3.9.6" in said and "3.21" in said, "the old program is not named")


def named_for_a_user():
    """All at once; and that the rest goes without is said only where it goes."""
    machine = Machine()
    machine.apt()
    machine.without("valgrind", "cc", "cmake")
    said = machine.needs(status=1)
    advice = next(line for line in said.splitlines() if "apt-get install" in line)
    check({"build-essential", "cmake", "valgrind"} <= set(advice.split()), "not all is named")
    check("goes without" not in said, "it is said that the rest goes without, and it does not")
    check(machine.asked_of_apt() == "", "a user's apt was called")
    machine.program("cc")
    machine.program("cmake", "echo cmake version 3.30.0")
    check("goes without" in machine.needs(), "valgrind is not optional")


def installed_as_root():
    machine = Machine()
    machine.user(0)
    machine.without("valgrind")
    machine.apt(f'case "$*" in *install*) ln -sf /bin/true "{(machine.bin / "valgrind").absolute()}" ;; esac')
    machine.needs()
    check("install" in machine.asked_of_apt() and "valgrind" in machine.asked_of_apt(), "it was not installed")
    machine.without("cc")
    said = machine.needs(status=1)
    check("build-essential" in said, "what could not be installed is not named")


def demo_without_pjsip():
    """The demo is nothing without a PJSIP: one that pkg-config finds, or the means to unpack Debian's."""
    machine = Machine()
    machine.without("mmdebstrap")
    check("mmdebstrap" in machine.needs("building", "sip", "demo", status=1), "mmdebstrap is not asked for")
    machine.program("pkg-config")
    machine.needs("building", "sip", "demo")
    machine.program("pkg-config", "exit 1")
    machine.program("mmdebstrap")
    machine.no_file("usr/share/keyrings")
    check("debian-archive-keyring" in machine.needs("building", "sip", "demo", status=1), "the keyring is not asked for")


main([clang_cpp_alone, clang_without_headers, clang_whole, clang_path, old_rust, no_rust, rust_first, old_cmake,
      named_for_a_user, installed_as_root, demo_without_pjsip])
