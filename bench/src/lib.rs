//! What a benchmark has found: [`figure`]s, and the [`floors`] that they must not miss. Apart from the program, so that its
//! tests are built without the server that it measures.
#![forbid(unsafe_code)]

pub mod figure;
pub mod floors;
