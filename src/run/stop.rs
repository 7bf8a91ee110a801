//! How an operator ends a run early: the first signal asks it to finish, the second ends it.

use tokio::sync::watch;

/// The asking side. Dropping it never asks.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// The side that is asked.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A pair of both sides.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks the run to tear down and report what it knows.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Returns once the run has been asked to stop, and never if it isn't.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|&asked| asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
