//! Why the gateway could not start.

use thiserror::Error;
use tokio::task::JoinError;

use crate::config::Report;
use crate::downstream::ListenError;

/// Why the gateway could not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address is taken.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The settings ask for what this machine does not give.
    #[error(transparent)]
    Settings(Report),
    /// There is a defect in the gateway.
    #[error("the plan could not be put in force")]
    Defect(#[from] JoinError),
}
