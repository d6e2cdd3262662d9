//! The program with `-json`, run and read; every line is held to what `spec/json.md` says of all.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use data_encoding::BASE64;
use serde_json::Value;

/// What the program said.
pub struct Answer {
    /// The objects on stdout.
    pub lines: Vec<Value>,
    /// The exit code.
    pub code: i32,
    /// What stderr has.
    pub told: String,
}

/// Runs `zarc WORDS -json` in a directory; an archive's name is text, others are bytes.
pub fn zarc_json(directory: &Path, words: &[&[u8]]) -> Answer {
    let mut words: Vec<OsString> = words.iter().map(|w| OsStr::from_bytes(w).to_owned()).collect();
    words.push("-json".into());
    read(&zarc(directory, &words))
}

/// Runs `zarc WORDS`.
pub fn zarc<S: AsRef<OsStr>>(directory: &Path, words: &[S]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zarc"));
    command.args(words).current_dir(directory).output().unwrap()
}

/// Reads what a command with `-json` said: every line an object with a type and without nulls, the
/// last one a summary or an error that has the exit code.
pub fn read(output: &Output) -> Answer {
    let text = str::from_utf8(&output.stdout).expect("stdout is UTF-8");
    let code = output.status.code().expect("an exit code");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(text.ends_with('\n') && !text.trim_end_matches('\n').contains(char_of_control));
    assert!(lines.iter().all(|line| line["type"].is_string() && !has_null(line)), "{text}");
    let (last, others) = lines.split_last().expect("a last line");
    let is_last = |line: &Value| line["type"] == "summary" || line["type"] == "error";
    assert!(is_last(last) && !others.iter().any(is_last), "{text}");
    assert_eq!(last["exit_code"], code, "{text}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // Problems, warnings and errors are told in words too.
    for line in &lines {
        if let Some(message) = line["message"].as_str().filter(|m| !m.contains(char_of_control)) {
            assert!(told.contains(message), "{message} is not in {told}");
        }
    }
    Answer { lines, code, told }
}

fn char_of_control(character: char) -> bool {
    character != '\n' && character.is_control()
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

impl Answer {
    /// The lines of a type.
    pub fn of_type(&self, name: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["type"] == name).collect()
    }

    /// The types that occur.
    pub fn types(&self) -> BTreeSet<&str> {
        self.lines.iter().filter_map(|line| line["type"].as_str()).collect()
    }

    /// The last line.
    pub fn last(&self) -> &Value {
        self.lines.last().expect("a last line")
    }

    /// A figure of the summary.
    pub fn figure(&self, name: &str) -> u64 {
        let last = self.last();
        last[name].as_u64().unwrap_or_else(|| panic!("no figure {name} in {last}"))
    }

    /// For each object its path, and what `field` says of it.
    pub fn objects(&self, field: &str) -> Vec<(Vec<u8>, String)> {
        let word = |line: &Value| line[field].as_str().expect(field).to_owned();
        self.of_type("object").into_iter().map(|line| (bytes(line, "path"), word(line))).collect()
    }
}

/// The bytes of a name: those in base64 if there are any, else those of the text.
pub fn bytes(line: &Value, field: &str) -> Vec<u8> {
    let text = line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}"));
    match line[format!("{field}_base64")].as_str() {
        Some(encoded) => {
            let bytes = BASE64.decode(encoded.as_bytes()).unwrap();
            assert!(str::from_utf8(&bytes).is_err(), "{line}");
            assert_eq!(String::from_utf8_lossy(&bytes), text);
            bytes
        }
        None => text.as_bytes().to_vec(),
    }
}
