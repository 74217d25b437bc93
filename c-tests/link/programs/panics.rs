//! Another Rust library, with a panic caught at its boundary: what ours must be able to do, and stand beside.

thread_local! {
    static CAUGHT: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[unsafe(no_mangle)]
pub extern "C" fn panics_caught(n: i32) -> i32 {
    std::panic::set_hook(Box::new(|info| CAUGHT.with_borrow_mut(|all| all.push(info.to_string()))));
    let caught = std::panic::catch_unwind(|| {
        let held = vec![n; 3];
        assert!(held[1] % 2 == 0, "odd: {n}");
    });
    assert!(caught.is_err() == (n % 2 != 0));
    CAUGHT.with_borrow(|all| all.len() as i32)
}
