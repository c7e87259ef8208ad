//! A value on its way from its future to its handle: of no type in between, so in a box; and boxes that serve again.
//!
//! The box is an `Option`, so that it stands empty while it waits for another value of the type. A value of size zero has
//! a box of its own, which allocates nothing; so has a large one, as its box is not worth keeping.

use std::any::{Any, TypeId};

use crate::pool;
use crate::spares::Spares;

/// A value of a type that both ends know.
pub(crate) type Parcel = Box<dyn Any + Send>;

/// From this size on boxes are not kept.
const LARGE: usize = 512;

/// Of how many types boxes are kept on a thread.
const TYPES: usize = 16;

/// How many bytes are kept of one type.
const BYTES: usize = 1 << 16;

const fn has_own_box<T>() -> bool {
    size_of::<T>() == 0 || size_of::<Option<T>>() >= LARGE
}

pub(crate) fn pack<T: Send + 'static>(value: T) -> Parcel {
    if has_own_box::<T>() {
        return Box::new(value);
    }
    let spare = pool::with_boxes(|boxes| boxes.take(TypeId::of::<Option<T>>())).flatten();
    match spare.map(|spare| spare.downcast::<Option<T>>()) {
        Some(Ok(mut spare)) => {
            *spare = Some(value);
            spare
        }
        _ => Box::new(Some(value)),
    }
}

pub(crate) fn unpack<T: Send + 'static>(mut parcel: Parcel) -> T {
    if has_own_box::<T>() {
        match parcel.downcast() {
            Ok(value) => return *value,
            Err(_) => unreachable!("{OF_ITS_TYPE}"),
        }
    }
    let Some(value) = parcel.downcast_mut::<Option<T>>().and_then(Option::take) else {
        unreachable!("{OF_ITS_TYPE}")
    };
    let _too_many = pool::with_boxes(|boxes| boxes.put(TypeId::of::<Option<T>>(), parcel)).flatten();
    value
}

const OF_ITS_TYPE: &str = "who packed it knew the type";

/// Empty boxes, by the type that they are for.
pub(crate) struct Boxes {
    kinds: Vec<(TypeId, Spares<Parcel>)>,
    /// Of some type there may be more than are needed.
    many: bool,
}

impl Boxes {
    pub(crate) const fn new() -> Self {
        Boxes { kinds: Vec::new(), many: false }
    }

    fn take(&mut self, of: TypeId) -> Option<Parcel> {
        self.kinds.iter_mut().find(|(kept, _)| *kept == of)?.1.take()
    }

    /// Gives it back if it is one too many.
    fn put(&mut self, of: TypeId, parcel: Parcel) -> Option<Parcel> {
        let most = BYTES / size_of_val(&*parcel);
        if let Some((_, spares)) = self.kinds.iter_mut().find(|(kept, _)| *kept == of) {
            let too_many = spares.put(parcel, most);
            self.many |= spares.is_large();
            return too_many;
        }
        if self.kinds.len() >= TYPES {
            // Of the type that has been here for longest.
            self.kinds.remove(0);
        }
        let mut spares = Spares::new();
        let too_many = spares.put(parcel, most);
        self.kinds.push((of, spares));
        too_many
    }

    /// Gives back what only a burst needed.
    #[inline]
    pub(crate) fn trim(&mut self) {
        if self.many {
            self.kinds.iter_mut().for_each(|(_, spares)| spares.trim());
            self.many = self.kinds.iter().any(|(_, spares)| spares.is_large());
        }
    }
}
