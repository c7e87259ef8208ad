//! Values that fit into a word, and are kept in an atomic one: then nothing is locked to read them. Which types these are is
//! known when the code is compiled: for the others nothing is left of this.

use std::any::Any;

macro_rules! scalars {
    ($($type:ty: $to:expr, $from:expr;)*) => {
        /// The value as a word, if it is of such a type.
        #[inline(always)]
        pub(crate) fn to_bits<T: 'static>(value: &T) -> Option<u64> {
            let value: &dyn Any = value;
            $(
                if let Some(value) = value.downcast_ref::<$type>() {
                    let to: fn($type) -> u64 = $to;
                    return Some(to(*value));
                }
            )*
            None
        }

        /// The value that was made to this word.
        #[inline(always)]
        pub(crate) fn from_bits<T: 'static>(bits: u64) -> Option<T> {
            let mut value = None::<T>;
            let any: &mut dyn Any = &mut value;
            $(
                if let Some(value) = any.downcast_mut::<Option<$type>>() {
                    let from: fn(u64) -> $type = $from;
                    *value = Some(from(bits));
                }
            )*
            value
        }
    };
}

scalars! {
    bool: u64::from, |bits| bits != 0;
    char: |value| u64::from(u32::from(value)), |bits| char::from_u32(bits as u32).unwrap_or_default();
    u8: u64::from, |bits| bits as u8;
    u16: u64::from, |bits| bits as u16;
    u32: u64::from, |bits| bits as u32;
    u64: |value| value, |bits| bits;
    usize: |value| value as u64, |bits| bits as usize;
    i8: |value| value as u64, |bits| bits as i8;
    i16: |value| value as u64, |bits| bits as i16;
    i32: |value| value as u64, |bits| bits as i32;
    i64: |value| value as u64, |bits| bits as i64;
    isize: |value| value as u64, |bits| bits as isize;
    f32: |value| u64::from(value.to_bits()), |bits| f32::from_bits(bits as u32);
    f64: f64::to_bits, f64::from_bits;
}

#[cfg(test)]
mod tests {
    use super::{from_bits, to_bits};

    fn comes_back<T: Copy + PartialEq + std::fmt::Debug + 'static>(values: &[T]) {
        for value in values {
            assert_eq!(from_bits::<T>(to_bits(value).unwrap()), Some(*value));
        }
    }

    #[test]
    fn each_comes_back_as_it_was() {
        comes_back(&[true, false]);
        comes_back(&['a', '\u{10FFFF}']);
        comes_back(&[u8::MIN, u8::MAX]);
        comes_back(&[u16::MIN, u16::MAX]);
        comes_back(&[u32::MIN, u32::MAX]);
        comes_back(&[u64::MIN, u64::MAX]);
        comes_back(&[usize::MIN, usize::MAX]);
        comes_back(&[i8::MIN, -1, i8::MAX]);
        comes_back(&[i16::MIN, -1, i16::MAX]);
        comes_back(&[i32::MIN, -1, i32::MAX]);
        comes_back(&[i64::MIN, -1, i64::MAX]);
        comes_back(&[isize::MIN, -1, isize::MAX]);
        comes_back(&[f32::MIN, -0.5, f32::INFINITY]);
        comes_back(&[f64::MIN, -0.5, f64::INFINITY]);
        assert!(from_bits::<f64>(to_bits(&f64::NAN).unwrap()).unwrap().is_nan());
    }

    #[test]
    fn others_do_not_fit() {
        assert_eq!(to_bits(&"text"), None);
        assert_eq!(to_bits(&(1_u8, 2_u8)), None);
        assert_eq!(from_bits::<String>(7), None);
    }
}
