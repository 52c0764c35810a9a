//! Programs from Debian packages: found on the path, or downloaded and unpacked beside this program.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A program, and where the libraries are that came with it.
pub(crate) struct Program {
    path: PathBuf,
    libraries: Option<PathBuf>,
}

impl Program {
    /// Finds a program, or gets it from these packages. `None`: it can be had in neither way.
    pub(crate) fn find(name: &str, packages: &[&str]) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        let mut paths = directories.map(|directory| directory.join(name));
        if let Some(path) = paths.find(|path| path.is_file()) {
            return Some(Self {
                path,
                libraries: None,
            });
        }
        let directory = std::env::current_exe().unwrap().with_file_name("packages");
        let directory = directory.join(name);
        let root = directory.join("root");
        if !root.join("usr/sbin").join(name).is_file() {
            fs::create_dir_all(&directory).unwrap();
            let mut download = Command::new("apt-get");
            download.arg("download").args(packages);
            run(download.current_dir(&directory))?;
            for file in fs::read_dir(&directory).unwrap().flatten() {
                if file.path().extension().is_some_and(|end| end == "deb") {
                    run(Command::new("dpkg").arg("-x").arg(file.path()).arg(&root))?;
                }
            }
        }
        let libraries = fs::read_dir(root.join("usr/lib")).into_iter().flatten();
        let mut libraries = libraries.flatten().map(|directory| directory.path());
        Some(Self {
            path: root.join("usr/sbin").join(name),
            libraries: libraries.find(|path| path.to_string_lossy().ends_with("-linux-gnu")),
        })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// `None`: it could not, or there is no such program.
fn run(command: &mut Command) -> Option<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success()).then_some(())
}
