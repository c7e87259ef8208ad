//! Alerts: synchronous handlers look at what was observed and raise a signal of their own.

use std::sync::Arc;

use settled_signal::Signal;

use crate::station::Station;

/// What is alarming, with the value that is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Alert {
    Wind(f64),
    Frost(f64),
    Rain(f64),
}

pub(crate) const WINDY: f64 = 8.0;
pub(crate) const FREEZING: f64 = 0.0;
pub(crate) const RAINY: f64 = 20.0;

impl Alert {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Alert::Wind(_) => "wind",
            Alert::Frost(_) => "frost",
            Alert::Rain(_) => "rain",
        }
    }

    pub(crate) fn value(self) -> f64 {
        match self {
            Alert::Wind(value) | Alert::Frost(value) | Alert::Rain(value) => value,
        }
    }
}

/// Watches a station.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    pub(crate) raised: Signal<Alert>,
}

impl Alarm {
    /// The alarm lives as long as somebody holds it: the station knows it weakly.
    pub(crate) fn watch(station: &Station) -> Arc<Alarm> {
        let alarm = Arc::new(Alarm::default());
        station.wind.connect_weak(&alarm, |alarm, &wind| alarm.raise_if(wind > WINDY, Alert::Wind(wind)));
        station
            .temp_min
            .connect_weak(&alarm, |alarm, &min| alarm.raise_if(min < FREEZING, Alert::Frost(min)));
        station.precipitation.connect_weak(&alarm, |alarm, &mm| alarm.raise_if(mm > RAINY, Alert::Rain(mm)));
        alarm
    }

    fn raise_if(&self, alarming: bool, alert: Alert) {
        if alarming {
            self.raised.notify(alert);
        }
    }
}
