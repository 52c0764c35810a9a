//! What the command line brings for people: completions, manual pages, and what it ends with.

use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::support::adapters::{NO_VARIABLES, SECRETS};
use crate::support::command::{groupgate, run};

/// The commands of this build, as `--help` lists them.
async fn commands() -> Vec<String> {
    let help = run(groupgate(&["help"], NO_VARIABLES)).await.stdout;
    let (_, listed) = help.split_once("Commands:\n").expect("it lists commands");
    let (listed, _) = listed.split_once("\n\n").expect("options follow");
    listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn bash_completes_commands_and_their_options() {
    let folder = TempDir::new().unwrap();
    let script = run(groupgate(&["completions", "bash"], NO_VARIABLES)).await;
    assert_eq!(script.code, 0, "{}", script.stderr);
    let file = folder.path().join("groupgate.bash");
    std::fs::write(&file, script.stdout).unwrap();
    for (typed, expected) in [
        (["groupgate", "comp"].as_slice(), "completions"),
        (&["groupgate", "serve", "--c"], "--config"),
        (&["groupgate", "completions", "z"], "zsh"),
    ] {
        let at = typed.len() - 1;
        let words = typed.join(" ");
        let (before, current) = (typed[at - 1], typed[at]);
        let asked = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _groupgate groupgate {current} {before}; echo \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &asked]);
        let proposed = run(bash).await;
        assert_eq!(proposed.stdout.trim(), expected, "{}", proposed.stderr);
    }
}

#[tokio::test]
async fn every_shell_gets_a_script_that_knows_every_command() {
    let commands = commands().await;
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(groupgate(&["completions", shell], NO_VARIABLES)).await;
        assert_eq!(script.code, 0, "{}", script.stderr);
        for command in &commands {
            assert!(script.stdout.contains(command), "{shell}: {command}");
        }
    }
}

#[tokio::test]
async fn every_command_has_a_manual_page_with_examples_and_exit_status() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("man1");
    let arguments = ["man", "--directory", directory.to_str().unwrap()];
    let outcome = run(groupgate(&arguments, NO_VARIABLES)).await;
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let page = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    let mut names = vec!["groupgate.1".to_owned()];
    names.extend(
        commands()
            .await
            .iter()
            .map(|name| format!("groupgate-{name}.1")),
    );
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), names.len());
    for name in names {
        let page = page(&name);
        // What is not ASCII needs an encoding that not every reader of pages knows.
        assert!(page.is_ascii(), "{name}");
        for section in [".SH NAME", ".SH EXAMPLES", ".SH \"EXIT STATUS\""] {
            assert_eq!(page.matches(section).count(), 1, "{name}: {section}");
        }
    }
    let printed = run(groupgate(&["man"], NO_VARIABLES)).await;
    assert_eq!(printed.stdout, page("groupgate.1"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_a_failure() {
    let arguments = ["man", "--directory", "/dev/null/man1"];
    let outcome = run(groupgate(&arguments, NO_VARIABLES)).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
}

#[tokio::test]
async fn the_exit_status_tells_success_failure_and_misuse_apart() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway.toml");
    let check = ["check", shipped.to_str().unwrap()];
    let outcome = run(groupgate(&check, SECRETS)).await;
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let outcome = run(groupgate(&check, NO_VARIABLES)).await;
    assert_eq!(outcome.code, 1, "secrets are missing");
    let outcome = run(groupgate(&["check", "--no-such-option"], NO_VARIABLES)).await;
    assert_eq!(outcome.code, 2);
    let help = run(groupgate(&["--help"], NO_VARIABLES)).await.stdout;
    for code in ["\n  0  ", "\n  1  ", "\n  2  "] {
        assert!(help.contains(code), "{help}");
    }
}
