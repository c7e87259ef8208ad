//! The station: what it measures can be observed.

use settled_signal::Observable;

use crate::rows::Row;

/// The latest observations. It knows nobody who listens.
#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) precipitation: Observable<f64>,
    pub(crate) temp_max: Observable<f64>,
    pub(crate) temp_min: Observable<f64>,
    pub(crate) wind: Observable<f64>,
    pub(crate) weather: Observable<String>,
}

impl Station {
    pub(crate) fn new() -> Station {
        Station {
            precipitation: Observable::new(0.0),
            temp_max: Observable::new(0.0),
            temp_min: Observable::new(0.0),
            wind: Observable::new(0.0),
            weather: Observable::new(String::new()),
        }
    }

    /// Takes over the observations of a day. Five setters, all of them synchronous; what follows from them settles
    /// with the transaction around the call.
    pub(crate) fn observe(&self, row: &Row) {
        self.precipitation.set(row.precipitation);
        self.temp_max.set(row.temp_max);
        self.temp_min.set(row.temp_min);
        self.wind.set(row.wind);
        self.weather.set(row.weather.clone());
    }
}
