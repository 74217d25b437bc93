use super::*;

static WORDS: Slab<Words<2>> = Slab::new(Kind::CHALLENGE);

#[test]
fn a_static_slab_takes_once() {
    let handle = WORDS.mint(0, 5, [1, 2]).unwrap();
    assert_eq!(WORDS.get(handle), Some([1, 2]));
    assert_eq!(WORDS.take(handle), Some([1, 2]));
    assert_eq!(WORDS.take(handle), None);
}
