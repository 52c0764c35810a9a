//! The downstream layer: HTTP in, HTTP out.
