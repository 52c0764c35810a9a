//! What only tests look at.

mod golden;
