//! A future that is not `Send` cannot be given to `add`: any thread may drive. The message names the way out.

use std::rc::Rc;

fn main() {
    let here = Rc::new(1);
    settled::add(async move {
        std::future::ready(()).await;
        drop(here);
    });
}
