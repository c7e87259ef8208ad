//! Two methods of one name.

use settled_signal::model;

#[model]
struct Names {
    name: String,
    set_name: String,
    new: u32,
}

#[model(new = make)]
struct Made {
    make: u32,
    new: u32,
}

fn main() {}
