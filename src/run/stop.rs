//! How an operator ends a run early: asked once it removes its workload and reports, asked twice it
//! only reports.

use tokio::sync::watch;

/// The asking side. Dropping it never asks.
#[derive(Debug)]
pub struct Stopper(watch::Sender<u8>);

/// The side that is asked.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<u8>);

/// A pair of both sides.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(0);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks the run to remove its workload and report what it knows; the second time, to report
    /// without waiting for the removal.
    pub fn ask(&self) {
        self.0.send_modify(|asked| *asked = asked.saturating_add(1));
    }
}

impl Stop {
    /// Returns once the run has been asked to stop, and never if it isn't.
    pub async fn asked(&mut self) {
        self.asked_times(1).await;
    }

    /// Returns once the run has been asked twice to stop.
    pub async fn asked_twice(&mut self) {
        self.asked_times(2).await;
    }

    async fn asked_times(&mut self, times: u8) {
        if self.0.wait_for(|&asked| asked >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
