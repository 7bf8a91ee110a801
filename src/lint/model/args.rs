//! Flags of components.

use crate::lint::source::{Edit, Spanned};

/// Flags for a component, as kubeadm's `extraArgs` or a Pod's command give them.
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// Name and value of each, in order; names without leading dashes.
    pub list: Vec<Arg>,
    /// For `extraArgs`: how they were written and where.
    pub form: Option<Spanned<ArgsForm>>,
    /// For `extraArgs`: the changes that bring them into the other form.
    pub rewrite: Vec<Edit>,
}

/// One flag.
#[derive(Clone, Debug)]
pub struct Arg {
    /// Its name, without leading dashes.
    pub name: Spanned<String>,
    /// Its value.
    pub value: Spanned<String>,
}

/// The two ways in which kubeadm's versions write `extraArgs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgsForm {
    /// `name: value`, up to v1beta3.
    Map,
    /// A list of `name` and `value`, from v1beta4 on.
    List,
}

impl Args {
    /// The value of a flag; the last one counts, as it does on a command line.
    pub fn get(&self, name: &str) -> Option<&Spanned<String>> {
        self.list.iter().rev().find(|arg| arg.name.value == name).map(|arg| &arg.value)
    }
}
