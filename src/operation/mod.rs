//! Operations of the Engine API: what a request asks for, in Docker's own terms.

pub mod model;
