//! Images: how they are made, kept and loaded from archives.

mod archive;
mod digest;
mod document;
mod image;
mod layer;
mod names;
mod packages;
pub(crate) mod recipes;
mod reference;
mod save;
mod store;

pub use archive::load;
pub(crate) use digest::hex;
pub use digest::{Digest, InvalidDigest};
pub use image::architecture;
pub use reference::Reference;
pub use save::save;
pub use store::Store;
