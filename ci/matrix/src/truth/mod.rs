//! A run of the product held against what the testbed says of a fault.
//!
//! What a fault breaks is the testbed's to say ([`Fault::outcome`]). Here is only which paths each
//! case of the product stands for, and which cause is the right one to name.

mod case;
mod cause;
mod judgement;
mod options;
mod paths;

pub use self::{
    case::{Case, cases, passed_over},
    judgement::Judgement,
    options::{options, suite},
    paths::untold,
};
