//! The clusters under the rows: one that all faults share, and one at a time for the shapes.

use testbed::{
    cluster::Cluster,
    progress::{Event, Progress},
    shape::Shape,
    spec::{Name, Spec},
};

use crate::{error::Error, output, programs::Programs};

/// Brings clusters up when a row first needs them.
#[derive(Debug)]
pub(crate) struct Beds<'a> {
    /// The programs under test.
    pub(crate) programs: &'a Programs,
    /// What the clusters' names begin with.
    prefix: &'a str,
    shared: Option<Cluster>,
}

impl<'a> Beds<'a> {
    /// With no cluster yet.
    pub(crate) fn new(programs: &'a Programs, prefix: &'a str) -> Self {
        Self { programs, prefix, shared: None }
    }

    /// The healthy default cluster that faults are injected into.
    pub(crate) fn shared(&mut self) -> Result<Cluster, Error> {
        match &self.shared {
            Some(cluster) => Ok(cluster.clone()),
            None => {
                let cluster = self.up(&Spec::new(self.faulty()?))?;
                Ok(self.shared.insert(cluster).clone())
            }
        }
    }

    /// A cluster of another shape, for as long as `work` takes.
    pub(crate) fn with<T>(
        &mut self,
        shape: &Shape,
        work: impl FnOnce(&Cluster) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // Two clusters at once would slow each other on a small machine.
        self.clear()?;
        let spec = shape.spec(format!("{}-shape", self.prefix).parse()?);
        let result = self.up(&spec).and_then(|cluster| work(&cluster));
        Cluster::down(&spec.name)?;
        result
    }

    /// Takes down what is up.
    pub(crate) fn clear(&mut self) -> Result<(), Error> {
        if self.shared.take().is_some() {
            Cluster::down(&self.faulty()?)?;
        }
        Ok(())
    }

    /// The name of the cluster that faults are injected into.
    fn faulty(&self) -> Result<Name, Error> {
        Ok(self.prefix.parse()?)
    }

    fn up(&self, spec: &Spec) -> Result<Cluster, Error> {
        // What an interrupted matrix left under this name may be broken.
        Cluster::down(&spec.name)?;
        Ok(Cluster::up(&self.programs.testbed, spec, &Steps)?.0)
    }
}

/// Tells of the steps that take long.
struct Steps;

impl Progress for Steps {
    fn event(&self, event: Event<'_>) {
        if let Event::Finished { step, took } = event
            && took.as_secs() > 0
        {
            output::say(&format!("  {step} ({:.1} s)", took.as_secs_f64()));
        }
    }
}
