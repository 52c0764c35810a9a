//! `groupgate hash-key`: a key for a caller, and the hash by which the configuration knows it.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;

use clap::Args;

use crate::authentication::{hash_of_key, new_key};
use crate::hex::hex;
use crate::terminal::{CommandError, print};

const EXAMPLES: &str = "\
Examples:
  groupgate hash-key
  groupgate hash-key --stdin < key.txt";

/// The fewest bytes of a key that nobody can guess: 128 bits in hexadecimal digits.
const SHORTEST: usize = 32;

/// Make a caller's API key and print it with its SHA-256 for `[callers.keys.NAME]`.
///
/// The key is printed once and stored nowhere. A key is never taken from the command line, which others on the
/// machine can see.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct HashKey {
    /// Read a key from standard input, white space at its end aside, and print only its hash
    #[arg(long)]
    stdin: bool,
}

impl HashKey {
    pub(super) fn run(self) -> Result<(), CommandError> {
        if self.stdin {
            return print(&hash_of(&read()?)?);
        }
        if is_fed() {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(
                io::stderr(),
                "standard input is not read, and this key is a new one: `groupgate hash-key --stdin` hashes the key there"
            );
        }
        let key = new_key();
        let hash = hex(&hash_of_key(key.as_bytes()).0);
        print(&format!(
            "key     {key}\n\
             sha256  {hash}\n\n\
             Give the key to the caller. The configuration has the hash:\n\n\
             [callers.keys.NAME]\n\
             sha256 = \"{hash}\"\n\
             grants = [\"GRANT\"]"
        ))
    }
}

/// Whether somebody may have written to standard input: it is no terminal, and not `/dev/null`.
fn is_fed() -> bool {
    let input = io::stdin().as_fd().try_clone_to_owned();
    let kind = input.and_then(|input| File::from(input).metadata());
    kind.is_ok_and(|kind| !kind.file_type().is_char_device())
}

fn read() -> Result<String, CommandError> {
    let mut input = io::stdin();
    if input.is_terminal() {
        return Err(CommandError::new(
            "standard input is a terminal, which would show the key: use a file or a pipe",
        ));
    }
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    Ok(text)
}

/// The hash of a key that was made elsewhere.
fn hash_of(text: &str) -> Result<String, CommandError> {
    let key = text.trim_end();
    if key.len() < SHORTEST {
        return Err(CommandError::new(format!(
            "a key needs at least {SHORTEST} bytes that nobody can guess, and this one has {}: \
             `groupgate hash-key` makes one",
            key.len()
        )));
    }
    // A header could not carry it.
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(CommandError::new(
            "a key consists of printable ASCII without white space",
        ));
    }
    Ok(hex(&hash_of_key(key.as_bytes()).0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_from_elsewhere_is_hashed_without_the_line_end_behind_it() {
        let key = "0123456789abcdef0123456789abcdef";
        let hash = hash_of(&format!("{key}\r\n")).unwrap();
        assert_eq!(hash, hash_of(key).unwrap());
        assert_eq!(
            hash,
            "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9"
        );
    }

    #[test]
    fn what_can_be_guessed_or_not_be_sent_is_no_key() {
        let sentence = "this is a sentence of more than 32 bytes";
        for text in ["", "hunter2", "0123456789abcdef0123456789abcde\n", sentence] {
            assert!(hash_of(text).is_err(), "{text}");
        }
    }
}
