//! A subject: one way to do one case of a workload.

use crate::work;

/// Where a subject stands in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This project's. Its instructions and allocations are guarded.
    Ours,
    /// Somebody else's, who promises something comparable.
    Peer,
    /// What the machine can do at best. It promises less than is needed, so it is nobody's best peer.
    Yardstick,
}

/// One round, of as many units as it was prepared for.
pub type Round = Box<dyn FnMut()>;

/// One way to do one case of a workload.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    pub name: &'static str,
    pub kind: Kind,
    /// What is there before the first round is made here, and not measured.
    pub prepare: fn(n: usize) -> Round,
}

/// One case of a workload: all its subjects do the same.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What the command line knows it by, after its workload: `w1/ready-boxed`.
    pub id: &'static str,
    pub title: &'static str,
    pub sizes: &'static [usize],
    pub subjects: &'static [Subject],
}

/// What a command prints a table of.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub id: &'static str,
    pub title: &'static str,
    pub cases: &'static [Case],
}

impl Subject {
    pub const fn ours(name: &'static str, prepare: fn(usize) -> Round) -> Self {
        Subject { name, kind: Kind::Ours, prepare }
    }

    pub const fn peer(name: &'static str, prepare: fn(usize) -> Round) -> Self {
        Subject { name, kind: Kind::Peer, prepare }
    }

    pub const fn yardstick(name: &'static str, prepare: fn(usize) -> Round) -> Self {
        Subject { name, kind: Kind::Yardstick, prepare }
    }

    /// A run that does nothing but this: `times` rounds of `n` units, each of which has really been done.
    pub fn prepared(&self, n: usize) -> impl FnMut(usize) + use<> {
        let (name, mut round) = (self.name, (self.prepare)(n));
        move |times| {
            let before = work::done();
            (0..times).for_each(|_| round());
            assert_eq!(work::done() - before, (n * times) as u64, "{name}: units that were really done");
        }
    }
}

/// What a process is started for: a subject of a case, a number of units a round.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub workload: &'static Workload,
    pub case: &'static Case,
    pub subject: &'static Subject,
    pub n: usize,
}

impl Cell {
    /// As the command line takes it: `w1/ready-boxed/futures-buffered, bounded`.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.workload.id, self.case.id, self.subject.name)
    }

    /// Finds the subject by that.
    pub fn find(workloads: &'static [Workload], id: &str, n: usize) -> Option<Cell> {
        workloads
            .iter()
            .flat_map(|workload| workload.cells())
            .map(|cell| Cell { n, ..cell })
            .find(|cell| cell.id() == id)
    }
}

impl Workload {
    /// All that is measured of it.
    pub fn cells(&'static self) -> impl Iterator<Item = Cell> {
        self.cases.iter().flat_map(move |case| {
            case.sizes.iter().flat_map(move |&n| {
                case.subjects.iter().map(move |subject| Cell { workload: self, case, subject, n })
            })
        })
    }
}
