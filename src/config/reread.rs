//! Reading everything again, as it was read at start.

use std::fmt;

use super::ServeConfig;

/// Reads flags, variables, file and policies anew.
pub struct Reread(Box<dyn Fn() -> Result<ServeConfig, String> + Send + Sync>);

impl Reread {
    /// From what reads them. The error is one line that says what is wrong.
    pub fn new(read: impl Fn() -> Result<ServeConfig, String> + Send + Sync + 'static) -> Self {
        Self(Box::new(read))
    }

    /// What a broker that starts now would run with.
    ///
    /// # Errors
    /// What would keep it from starting.
    pub fn read(&self) -> Result<ServeConfig, String> {
        (self.0)()
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reread")
    }
}
