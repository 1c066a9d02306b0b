//! What a client may see of the engine's answers: pure functions from answer to answer.
//!
//! Must never pass an answer on that it cannot read: what is not understood is not shown.
