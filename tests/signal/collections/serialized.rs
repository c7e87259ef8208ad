//! Diffs can be written and read.

use settled_signal::{MapDiff, VecDiff};

#[test]
fn a_diff_that_is_written_and_read_is_the_same() {
    let steps = [VecDiff::Set { index: 1, value: 7 }, VecDiff::Append { values: vec![8, 9].into() }];
    let diff = VecDiff::Batch(steps.into_iter().collect());
    let text = serde_json::to_string(&diff).unwrap();
    assert_eq!(text, r#"{"Batch":[{"Set":{"index":1,"value":7}},{"Append":{"values":[8,9]}}]}"#);
    assert_eq!(serde_json::from_str::<VecDiff<i32>>(&text).unwrap(), diff);
    let diff = MapDiff::Reset { entries: vec![("a".to_string(), 1)].into() };
    let text = serde_json::to_string(&diff).unwrap();
    assert_eq!(serde_json::from_str::<MapDiff<String, i32>>(&text).unwrap(), diff);
}
