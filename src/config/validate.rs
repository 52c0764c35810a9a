//! What two settings cannot mean together.
