//! The addresses of both listeners, without what callers choose of them.

/// Where whoever runs the process asks for its health.
pub(crate) const PROBES: &[&str] = &["/livez", "/readyz"];

/// Whether an address is asked every few seconds by whoever runs the process, or by our own page.
pub(crate) fn is_polled(path: &str) -> bool {
    PROBES.contains(&path) || matches!(path, "/metrics" | "/status")
}

/// What stands for every address that there is not.
pub(crate) const OTHER: &str = "_OTHER";

/// The template of an address of the data listener.
pub(crate) fn of_data(path: &str) -> &'static str {
    match path {
        "/groups" => "/groups",
        "/sources" => "/sources",
        "/openapi.json" => "/openapi.json",
        "/docs" => "/docs",
        _ if path
            .strip_prefix("/groups/")
            .is_some_and(|id| !id.is_empty()) =>
        {
            "/groups/{id}"
        }
        _ => OTHER,
    }
}

/// The template of an address of the admin listener.
pub(crate) fn of_admin(path: &str) -> &'static str {
    match path {
        "/livez" => "/livez",
        "/readyz" => "/readyz",
        "/metrics" => "/metrics",
        "/status" => "/status",
        "/reload" => "/reload",
        "/" => "/",
        _ if path.starts_with("/refresh/") => "/refresh/{upstream}",
        _ => OTHER,
    }
}
