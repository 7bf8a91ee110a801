//! How the operator ends a run: once to have the workload removed and the results reported, twice to
//! have them reported at once, three times to end the process.

use std::{io, process};

use crate::{
    event::Event,
    exit::Exit,
    run::{Events, Stopper},
};

/// Waits for Ctrl-C and its like; never returns.
pub(super) async fn listen(stopper: Stopper, events: Events) {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            events.send(Event::Notice(format!(
                "cannot handle Ctrl-C ({error}): it will leave the workload in the cluster, and \
                 `dualstack cleanup` removes it"
            )));
            return std::future::pending().await;
        }
    };
    signals.next().await;
    stopper.ask();
    events.send(Event::Notice(
        "stopping: removing the workload; press Ctrl-C again to leave it in the cluster".to_owned(),
    ));
    signals.next().await;
    stopper.ask();
    signals.next().await;
    // Nothing may be waited for now, not even a report.
    process::exit(Exit::Interrupted.code().into());
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    /// Ctrl-C, a polite kill, and the end of the terminal.
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals(());

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
