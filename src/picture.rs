//! Snapshots for people: an indented tree, and a diagram. Both show a part of what is large, and say what they leave out.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::snapshot::{NodeKind, Snapshot, SnapshotNode, Stage};

/// How many nodes are shown at most.
const LINES: usize = 200;

/// How many directly below one node: the oldest.
const WIDTH: usize = 32;

/// How deep.
const DEPTH: usize = 32;

/// What is shown of a snapshot.
struct Picture<'a> {
    nodes: &'a [SnapshotNode],
    /// By node: is it shown?
    shown: Vec<bool>,
    /// By node that is shown: the last one directly below it that is.
    last: Vec<usize>,
    /// By node that is shown: what is left out below it.
    left_out: Vec<LeftOut>,
}

#[derive(Clone, Default)]
struct LeftOut {
    count: usize,
    /// The one that has been pending for longest.
    hangs: Option<usize>,
}

/// What is to be drawn, in order.
enum Item<'a> {
    Node(usize),
    LeftOut(usize, &'a LeftOut),
}

impl<'a> Picture<'a> {
    fn new(nodes: &'a [SnapshotNode]) -> Self {
        let count = nodes.len();
        let mut picture = Picture {
            nodes,
            shown: vec![false; count],
            last: vec![usize::MAX; count],
            left_out: vec![LeftOut::default(); count],
        };
        let mut below = vec![0; count];
        // By node: itself if it is shown, else the nearest above that is.
        let mut visible = vec![0; count];
        let mut lines = 0;
        for (index, node) in nodes.iter().enumerate() {
            let parent = node.parent.unwrap_or(index);
            let fits = node.depth < DEPTH && lines < LINES && below[parent] < WIDTH;
            if index == parent || (picture.shown[parent] && fits) {
                picture.shown[index] = true;
                visible[index] = index;
                lines += 1;
                if index != parent {
                    below[parent] += 1;
                    picture.last[parent] = index;
                }
            } else {
                visible[index] = visible[parent];
                let left_out = &mut picture.left_out[visible[parent]];
                left_out.count += 1;
                if node.stage == Stage::Pending
                    && left_out.hangs.is_none_or(|other| nodes[other].age < node.age)
                {
                    left_out.hangs = Some(index);
                }
            }
        }
        picture
    }

    /// Calls `draw` with each item and the node that it is directly below.
    fn draw(&self, mut draw: impl FnMut(Item<'_>) -> fmt::Result) -> fmt::Result {
        let mut open: Vec<usize> = Vec::new();
        let shown = (0..self.nodes.len()).filter(|index| self.shown[*index]).map(Some);
        for next in shown.chain([None]) {
            let depth = next.map_or(0, |index| self.nodes[index].depth);
            while open.len() > depth {
                let Some(done) = open.pop() else { break };
                if self.left_out[done].count > 0 {
                    draw(Item::LeftOut(done, &self.left_out[done]))?;
                }
            }
            if let Some(index) = next {
                draw(Item::Node(index))?;
                open.push(index);
            }
        }
        Ok(())
    }

    /// Comes something after this one, below the same?
    fn has_more(&self, index: usize) -> bool {
        self.nodes[index]
            .parent
            .is_some_and(|parent| self.last[parent] != index || self.left_out[parent].count > 0)
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes().as_slice();
        let picture = Picture::new(nodes);
        // By depth: does the line go on downwards?
        let mut bars: Vec<bool> = Vec::new();
        let mut first = true;
        picture.draw(|item| {
            if !std::mem::take(&mut first) {
                f.write_char('\n')?;
            }
            let (depth, more) = match item {
                Item::Node(index) => (nodes[index].depth, picture.has_more(index)),
                Item::LeftOut(above, _) => (nodes[above].depth + 1, false),
            };
            bars.truncate(depth.saturating_sub(1));
            bars.iter().try_for_each(|bar| f.write_str(if *bar { "│  " } else { "   " }))?;
            if depth > 0 {
                f.write_str(if more { "├─ " } else { "└─ " })?;
                bars.push(more);
            }
            match item {
                Item::Node(index) => write!(f, "{}", nodes[index]),
                Item::LeftOut(_, left_out) => left_out.write(nodes, f),
            }
        })?;
        if !self.is_complete() {
            f.write_str("\n(incomplete: another thread drives this just now)")?;
        }
        Ok(())
    }
}

impl LeftOut {
    fn write(&self, nodes: &[SnapshotNode], f: &mut impl Write) -> fmt::Result {
        write!(f, "… {} more", self.count)?;
        if let Some(hangs) = self.hangs {
            write!(f, "; pending for longest: {}", nodes[hangs].location)?;
            if let Some(age) = Age::worth_telling(&nodes[hangs]) {
                write!(f, "  {age}")?;
            }
        }
        Ok(())
    }
}

/// One line.
impl fmt::Display for SnapshotNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts().into_iter().enumerate() {
            write!(f, "{}{part}", if index == 0 { "" } else { "  " })?;
        }
        Ok(())
    }
}

impl SnapshotNode {
    /// What it is, how far it has come, where it was made, how old it is.
    fn parts(&self) -> Vec<String> {
        let mut who = self.kind.to_string();
        if let (Some(id), true) = (self.id, self.kind != NodeKind::Root) {
            who += &format!(" {id}");
        }
        if let Some(name) = &self.name {
            // On one line, whatever is in it.
            who += &format!(" {name:?}");
        }
        let mut stage = self.stage.to_string();
        if self.pending > 0 {
            stage += &format!(", {} pending", self.pending);
        }
        let mut parts = vec![who, stage];
        if self.kind != NodeKind::Root {
            parts.push(self.location.to_string());
        }
        parts.extend(Age::worth_telling(self).map(|age| age.to_string()));
        parts
    }
}

struct Age(Duration);

impl Age {
    fn worth_telling(node: &SnapshotNode) -> Option<Age> {
        node.age.filter(|age| *age >= Duration::from_millis(100)).map(Age)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0..60 => write!(f, "{:.1} s", self.0.as_secs_f64()),
            seconds @ 60..3_600 => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            seconds => write!(f, "{} h {} min", seconds / 3_600, seconds / 60 % 60),
        }
    }
}

impl Snapshot {
    /// A diagram: a [Mermaid](https://mermaid.js.org) flowchart, as many editors and forges show it.
    ///
    /// ```
    /// let import = settled::Transaction::builder().name("import").begin();
    /// import.add(async {}).unwrap();
    /// let diagram = import.snapshot().to_mermaid();
    /// assert!(diagram.starts_with("flowchart TD\n    n0["));
    /// assert!(diagram.contains("n0 --> n1"));
    /// # settled::block_on(import.end()).unwrap();
    /// ```
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        let nodes = self.nodes().as_slice();
        let picture = Picture::new(nodes);
        let drawn = picture.draw(|item| match item {
            Item::Node(index) => {
                let node = &nodes[index];
                let label: Vec<_> = node.parts().iter().map(|part| escaped(part)).collect();
                let label = label.join("<br/>");
                match node.kind {
                    NodeKind::Future => writeln!(text, "    n{index}(\"{label}\")")?,
                    _ => writeln!(text, "    n{index}[\"{label}\"]")?,
                }
                node.parent.map_or(Ok(()), |parent| writeln!(text, "    n{parent} --> n{index}"))
            }
            Item::LeftOut(above, left_out) => {
                let mut label = String::new();
                left_out.write(nodes, &mut label)?;
                writeln!(text, "    m{above}>\"{}\"]\n    n{above} --> m{above}", escaped(&label))
            }
        });
        debug_assert!(drawn.is_ok(), "a string takes everything");
        if !self.is_complete() {
            text.push_str("    %% incomplete: another thread drives this just now\n");
        }
        text
    }
}

/// Nothing that means anything to Mermaid.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " .,:;/_-…".contains(c) {
            escaped.push(c);
        } else {
            escaped += &format!("#{};", u32::from(c));
        }
    }
    escaped
}
