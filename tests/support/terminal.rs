//! A terminal with the program at it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// The program at a terminal: what it says there, and its end.
pub struct Terminal {
    screen: File,
    line: File,
    child: Child,
}

impl Terminal {
    /// Starts `zarc WORDS` in a directory; only its stdout is no terminal.
    pub fn run(directory: &Path, words: &[&str]) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&screen).expect("a right");
        unlockpt(&screen).expect("a right");
        let name = ptsname(&screen, Vec::new()).expect("a name").into_string().expect("text");
        let line = File::options().read(true).write(true).open(name).expect("a line");
        let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
        command.args(words).current_dir(directory).stdout(Stdio::piped());
        command.stdin(line.try_clone().expect("a line"));
        command.stderr(line.try_clone().expect("a line"));
        Self { screen: screen.into(), line, child: command.spawn().expect("the program") }
    }

    /// Reads up to a question that ends with these words.
    pub fn question(&mut self, end: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(end.as_bytes()) {
            let mut byte = [0];
            self.screen.read_exact(&mut byte).expect("a question");
            seen.push(byte[0]);
        }
        String::from_utf8(seen).expect("text")
    }

    /// Types, as a person does.
    pub fn type_in(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).expect("a keyboard");
    }

    /// What Ctrl-C does.
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
    }

    /// The exit code, and all that was said from here on. What is typed is shown again by then.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("an end").code();
        let modes = tcgetattr(&self.line).expect("a terminal").local_modes;
        assert!(modes.contains(LocalModes::ECHO), "the terminal shows nothing any more");
        drop(self.line);
        let (mut seen, mut some) = (Vec::new(), [0; 1000]);
        // A terminal that nobody has open any more ends with an error.
        while let Ok(len @ 1..) = self.screen.read(&mut some) {
            seen.extend_from_slice(&some[..len]);
        }
        (code, String::from_utf8(seen).expect("text"))
    }
}
