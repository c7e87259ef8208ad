//! Joins the registries of several programs: here they are all in this one, and what goes over is passed on as it is. Over a
//! network the port would write the event down in its `publish`, and the other one read it: nothing else would change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use settled_signal::transaction::Handled;
use settled_signal::{AnyEvent, ExternalModel, ExternalSignal, ExternalSignaller};

/// Where the ports meet.
#[derive(Default)]
pub(crate) struct Exchange(Mutex<Vec<Weak<Port>>>);

/// One program's way out and in.
pub(crate) struct Port {
    exchange: Arc<Exchange>,
    /// What takes events here, by name.
    known: Mutex<BTreeMap<String, Vec<ExternalSignal>>>,
    models: Mutex<Vec<String>>,
}

impl Exchange {
    pub(crate) fn port(self: &Arc<Self>) -> Arc<Port> {
        let port = Port { exchange: self.clone(), known: Mutex::default(), models: Mutex::default() };
        let port = Arc::new(port);
        self.0.lock().unwrap().push(Arc::downgrade(&port));
        port
    }

    fn ports(&self) -> Vec<Arc<Port>> {
        self.0.lock().unwrap().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Port {
    fn takes(&self, name: &str) -> Vec<ExternalSignal> {
        self.known.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    fn takes_from_now_on(&self, signal: ExternalSignal) {
        self.known.lock().unwrap().entry(signal.name().to_owned()).or_default().push(signal);
    }

    /// The models that it was told of.
    pub(crate) fn models(&self) -> Vec<String> {
        self.models.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl ExternalSignaller for Port {
    fn register_signal(&self, signal: ExternalSignal) {
        self.takes_from_now_on(signal);
    }

    /// Handlers of what begins with `wire.` are ours: nothing has such a name but what comes from elsewhere.
    fn register_model(&self, model: ExternalModel) {
        self.models.lock().unwrap().push(format!("{} at {}", model.name(), model.path()));
        let ours = model.handlers().iter().filter(|handler| handler.handles().starts_with("wire."));
        ours.filter_map(|handler| handler.take()).for_each(|signal| self.takes_from_now_on(signal));
    }

    async fn publish(&self, from: &ExternalSignal, event: AnyEvent) -> Handled {
        for port in self.exchange.ports().iter().filter(|port| !std::ptr::eq(self, &***port)) {
            for name in [from.name(), &format!("wire.{}", from.name())] {
                for signal in port.takes(name) {
                    signal.notify(&*event).await?;
                }
            }
        }
        Ok(())
    }
}
