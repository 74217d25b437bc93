//! Calls to the application's functions.
//!
//! An observer may be a C++ object, and may throw. No Rust frame may be
//! unwound by that: `catch_unwind` aborts the process when it meets an
//! exception that is not Rust's. So calls go through a few lines of assembly
//! that are a frame of their own with their own personality routine (Itanium
//! C++ ABI: Exception Handling, 1.3): it stops every exception, and the frame
//! returns "thrown" as an ordinary value. The exception is ended as the C++
//! runtime wants it where there is one, and deleted otherwise. Nothing of C++
//! is needed to link.

use core::ffi::{c_int, c_void};

/// How a call came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this value, which is garbage if the function returns none.
    Returned(c_int),
    /// With an exception, which has been ended.
    Threw,
}

/// Calls a function of up to three words, whatever it may throw.
///
/// # Safety
/// `function` is a function of the C calling convention that takes as many of
/// the arguments, all of them pointers or integers, as it declares, and may be
/// called with them now.
pub unsafe fn call(function: *const c_void, arguments: [*mut c_void; 3]) -> Outcome {
    let mut value = 0;
    let [a, b, c] = arguments;
    // SAFETY: the caller's promise; the assembly stops whatever unwinds.
    match unsafe { turn_observer_call(function, a, b, c, &mut value) } {
        0 => Outcome::Returned(value),
        _ => Outcome::Threw,
    }
}

unsafe extern "C" {
    fn turn_observer_call(
        function: *const c_void,
        a: *mut c_void,
        b: *mut c_void,
        c: *mut c_void,
        value: *mut c_int,
    ) -> c_int;
    /// Where the frame goes on when the function threw.
    static turn_observer_landing: u8;
}

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".hidden turn_observer_call",
    ".globl turn_observer_call",
    ".type turn_observer_call, @function",
    "turn_observer_call:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    "endbr64",
    "push rbx",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbx, -16",
    "mov rbx, r8",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "call rax",
    "mov [rbx], eax",
    "xor eax, eax",
    "jmp 2f",
    ".hidden turn_observer_landing",
    ".globl turn_observer_landing",
    "turn_observer_landing:",
    "endbr64",
    "mov rdi, rax",
    "call {end}",
    "mov eax, 1",
    "2:",
    "pop rbx",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size turn_observer_call, . - turn_observer_call",
    // The C++ runtime's, if the program has one: two words, zero without.
    ".weak __cxa_begin_catch",
    ".weak __cxa_end_catch",
    ".hidden turn_observer_cxa",
    ".globl turn_observer_cxa",
    "turn_observer_cxa:",
    "endbr64",
    "mov rax, [rip + __cxa_begin_catch@GOTPCREL]",
    "mov rdx, [rip + __cxa_end_catch@GOTPCREL]",
    "ret",
    personality = sym personality,
    end = sym end_exception,
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".hidden turn_observer_call",
    ".globl turn_observer_call",
    ".type turn_observer_call, %function",
    "turn_observer_call:",
    ".cfi_startproc",
    ".cfi_personality 0x1b, {personality}",
    "stp x29, x30, [sp, #-32]!",
    ".cfi_def_cfa_offset 32",
    ".cfi_offset x29, -32",
    ".cfi_offset x30, -24",
    "str x19, [sp, #16]",
    ".cfi_offset x19, -16",
    "mov x19, x4",
    "mov x9, x0",
    "mov x0, x1",
    "mov x1, x2",
    "mov x2, x3",
    "blr x9",
    "str w0, [x19]",
    "mov w0, #0",
    "b 2f",
    ".hidden turn_observer_landing",
    ".globl turn_observer_landing",
    "turn_observer_landing:",
    "bl {end}",
    "mov w0, #1",
    "2:",
    "ldr x19, [sp, #16]",
    "ldp x29, x30, [sp], #32",
    ".cfi_def_cfa_offset 0",
    "ret",
    ".cfi_endproc",
    ".size turn_observer_call, . - turn_observer_call",
    ".weak __cxa_begin_catch",
    ".weak __cxa_end_catch",
    ".hidden turn_observer_cxa",
    ".globl turn_observer_cxa",
    "turn_observer_cxa:",
    "adrp x0, :got:__cxa_begin_catch",
    "ldr x0, [x0, :got_lo12:__cxa_begin_catch]",
    "adrp x1, :got:__cxa_end_catch",
    "ldr x1, [x1, :got_lo12:__cxa_end_catch]",
    "ret",
    personality = sym personality,
    end = sym end_exception,
);

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("calls to an observer that may throw are written for x86-64 and AArch64");

/// The C++ runtime's functions that begin and end a `catch`; NULL without one.
#[repr(C)]
struct Cxa {
    begin: Option<unsafe extern "C" fn(*mut c_void) -> *mut c_void>,
    end: Option<unsafe extern "C" fn()>,
}

unsafe extern "C" {
    fn turn_observer_cxa() -> Cxa;
    fn _Unwind_SetGR(context: *mut c_void, register: c_int, value: usize);
    fn _Unwind_SetIP(context: *mut c_void, value: usize);
    fn _Unwind_DeleteException(exception: *mut Exception);
}

/// The head of every exception; the rest is the thrower's.
#[repr(C)]
struct Exception {
    /// Vendor and language.
    class: u64,
}

const VERSION: c_int = 1;
const SEARCH_PHASE: c_int = 1;
const HANDLER_FRAME: c_int = 4;
const FATAL_PHASE1_ERROR: c_int = 3;
const HANDLER_FOUND: c_int = 6;
const INSTALL_CONTEXT: c_int = 7;
const CONTINUE_UNWIND: c_int = 8;

/// Says of the assembly's frame that it handles every exception. A thread that
/// is cancelled or exits unwinds on.
unsafe extern "C" fn personality(
    version: c_int,
    actions: c_int,
    _class: u64,
    exception: *mut c_void,
    context: *mut c_void,
) -> c_int {
    if version != VERSION {
        return FATAL_PHASE1_ERROR;
    }
    if actions & SEARCH_PHASE != 0 {
        return HANDLER_FOUND;
    }
    if actions & HANDLER_FRAME == 0 {
        return CONTINUE_UNWIND;
    }
    // SAFETY: the unwinder calls this with the context of the assembly's
    // frame. Register 0 carries the exception to the landing place there.
    unsafe {
        _Unwind_SetGR(context, 0, exception as usize);
        _Unwind_SetIP(context, &raw const turn_observer_landing as usize);
    }
    INSTALL_CONTEXT
}

/// Ends an exception that was stopped.
unsafe extern "C" fn end_exception(exception: *mut Exception) {
    // SAFETY: reads two addresses.
    let cxa = unsafe { turn_observer_cxa() };
    // SAFETY: the unwinder's exception, which is alive.
    let class = unsafe { (*exception).class };
    // "GNUCC++\0" or "CLNGC++\0", or with \1 one thrown a second time.
    let is_cxx = class >> 8 & 0xFF_FFFF == 0x43_2B2B;
    match cxa {
        Cxa {
            begin: Some(begin),
            end: Some(end),
        } if is_cxx => {
            // SAFETY: what a `catch (...)` block does with a C++ exception.
            // A destructor of the exception's that throws ends the process,
            // as it does in C++.
            unsafe {
                begin(exception.cast());
                end();
            }
        }
        // SAFETY: the exception is nobody's but ours now.
        _ => unsafe { _Unwind_DeleteException(exception) },
    }
}
