//! nginx, with one worker, which sends a file.

use std::fmt::Write as _;
use std::fs;

use super::Server;
use super::packages::Program;
use crate::bare::Answer;
use crate::cores::Cores;
use crate::free_port;

/// Where it stands.
pub(crate) struct Nginx(Program);

/// An nginx that runs.
pub(crate) struct NginxServer {
    pub(crate) server: Server,
    _directory: tempfile::TempDir,
}

impl Nginx {
    pub(crate) fn find() -> Option<Self> {
        Program::find("nginx", &["nginx"]).map(Self)
    }

    /// Serves this answer's body at `path`, with its headers.
    pub(crate) async fn start(
        &self,
        cores: &Cores,
        path: &str,
        answer: &Answer,
    ) -> Option<NginxServer> {
        let address = free_port();
        let (_, headers, body) = answer;
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("page"), body).unwrap();
        let mut lines = String::new();
        for (name, value) in headers {
            let value = value.to_str().unwrap().replace('"', "\\\"");
            let is_own = ["date", "content-length", "content-type", "server"];
            if !is_own.contains(&name.as_str()) {
                writeln!(lines, "add_header {name} \"{value}\";").unwrap();
            }
        }
        let directory_path = directory.path().display();
        let location = path.split('?').next().unwrap();
        let configuration = format!(
            "daemon off; master_process off; pid {directory_path}/pid; error_log /dev/null;\n\
             events {{ worker_connections 20000; }}\n\
             http {{\n\
             access_log off; etag off; if_modified_since off; server_tokens off;\n\
             sendfile on; tcp_nopush on; open_file_cache max=10;\n\
             keepalive_requests 1000000000; keepalive_timeout 1h;\n\
             client_body_temp_path {directory_path}/a; proxy_temp_path {directory_path}/b;\n\
             fastcgi_temp_path {directory_path}/c; uwsgi_temp_path {directory_path}/d;\n\
             scgi_temp_path {directory_path}/e;\n\
             server {{\n\
             listen {address};\n\
             location = {location} {{ alias {directory_path}/page; default_type application/json;\n\
             {lines} }}\n}}\n}}\n"
        );
        let file = directory.path().join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let mut command = self.0.command();
        command.arg("-p").arg(directory.path()).arg("-c").arg(file);
        let url = format!("http://{address}{path}");
        let server = Server::ready(cores, &mut command, address, &url).await?;
        Some(NginxServer {
            server,
            _directory: directory,
        })
    }
}
