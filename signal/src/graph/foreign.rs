//! Nodes that read what another graph has.
//!
//! One lock at a time is held. So a link never leads from one graph into another: in the graph of the reader there is a
//! *proxy*, a computation that stands for the source; in the graph of the source there is a *portal*, a watcher that reads
//! it. When the portal is marked, the proxy is, too, as soon as the lock is open; to run the proxy is to ask whether the
//! portal is invalid. A proxy lives as long as anything reads it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, OnceLock, Weak};

use super::arena::{Arena, DIRTY, LEFT, MARKED, MAYBE, NIL, PORTAL, WATCHER};
use super::{Body, Due, Graph, Tracked, Verdict, trash};

struct Proxy {
    portal: Arc<Portal>,
}

struct Portal {
    tracked: Tracked,
    /// Since it was asked last, something has changed.
    fired: AtomicBool,
    /// The proxy.
    target: OnceLock<(Weak<Graph>, u32)>,
}

impl Body for Proxy {
    fn run(&self, _: u64, _: u64) -> Verdict {
        let Portal { tracked, fired, .. } = &*self.portal;
        if tracked.graph.settle(tracked).is_err() {
            // It is below what asks. That is to be run, and finds out when it reads it.
            tracked.graph.lock().slots[tracked.node as usize].flags &= !MARKED;
            return Verdict::Changed;
        }
        if fired.swap(false, Ordering::AcqRel) { Verdict::Changed } else { Verdict::Same }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.portal.tracked.stop();
    }
}

impl Body for Portal {
    fn run(&self, _: u64, _: u64) -> Verdict {
        self.fired.store(true, Ordering::Release);
        Verdict::Later
    }

    fn target(&self) -> Option<(Arc<Graph>, u32)> {
        let (graph, node) = self.target.get()?;
        Some((graph.upgrade()?, *node))
    }
}

/// The node of this graph that stands for that source of another one.
#[cold]
pub(super) fn stand_in(graph: &Arc<Graph>, source: &Tracked) -> u32 {
    let key = (source.graph.address(), source.node);
    if let Some(&proxy) = graph.lock().proxies.get(&key) {
        return proxy;
    }
    let portal = source.graph.add_with(WATCHER | PORTAL, |tracked| Portal {
        tracked,
        fired: AtomicBool::new(false),
        target: OnceLock::new(),
    });
    {
        let mut arena = source.graph.lock();
        let epoch = arena.epoch;
        arena.commit(portal.tracked.node, &[source.node], epoch);
    }
    let body: Arc<dyn Body> = Arc::new(Proxy { portal: portal.clone() });
    let mut arena = graph.lock();
    let known = arena.proxies.get(&key).copied();
    let proxy = known.unwrap_or_else(|| {
        // Dirty: who reads it looks at the portal when it is known to that.
        let proxy = arena.add(DIRTY | LEFT, Some(body.clone()));
        arena.colds[proxy as usize].stands_for = Some(Box::new(key));
        arena.proxies.insert(key, proxy);
        // In case that it comes to nothing.
        arena.idle.push(proxy);
        let _ = portal.target.set((Arc::downgrade(graph), proxy));
        proxy
    });
    drop(arena);
    trash::put(vec![body]);
    proxy
}

/// Marks the proxies of these portals, and so on. Opens the lock.
#[cold]
pub(super) fn pass_on(mut arena: MutexGuard<'_, Arena>, portals: Vec<u32>, settle: u64, due: &mut Due) {
    let mut bodies: Vec<Arc<dyn Body>> =
        portals.iter().filter_map(|&portal| body(&mut arena, portal)).collect();
    drop(arena);
    let mut gone = Vec::new();
    while let Some(portal) = bodies.pop() {
        if let Some((graph, proxy)) = portal.target() {
            let mut arena = graph.lock();
            let slot = &mut arena.slots[proxy as usize];
            // It stands for the same: as long as the portal is here.
            let is_known = slot.flags & MARKED != 0 && slot.marked_for == settle;
            slot.flags |= DIRTY;
            slot.marked_for = settle;
            let has_readers = slot.subs != NIL;
            // Also where the reader is being run, and has no link yet.
            graph.next_epoch(&mut arena);
            if !is_known && has_readers {
                let (mut met, mut portals) = (std::mem::take(&mut arena.met), Vec::new());
                arena.mark(
                    proxy,
                    MAYBE,
                    settle,
                    &mut super::Met { due: &mut met, since: 0, portals: &mut portals },
                );
                if !met.is_empty() {
                    due.of(&graph).append(&mut met);
                }
                arena.met = met;
                bodies.extend(portals.iter().filter_map(|&portal| body(&mut arena, portal)));
            }
        }
        gone.push(portal);
    }
    trash::put(gone);
}

fn body(arena: &mut Arena, portal: u32) -> Option<Arc<dyn Body>> {
    arena.colds[portal as usize].body.clone()
}
