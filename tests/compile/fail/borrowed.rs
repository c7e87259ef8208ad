//! What is added may outlive the call: it cannot borrow.

fn main() {
    let name = String::from("Ada");
    settled::add(async {
        println!("{name}");
    });
}
