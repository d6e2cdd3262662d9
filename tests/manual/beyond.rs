//! What the manual does not have: `-quiet`, `-verbose`, `-special`, and exit codes that a script can
//! trust.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::Desk;
use crate::support::noise;

#[test]
fn quiet_prints_data_and_problems_only() {
    let desk = Desk::with(&[("d/a", "1")]);
    for line in ["add x d -quiet", "extract x -to out -quiet", "test x -quiet"] {
        let said = desk.done(line);
        assert_eq!((said.data.as_str(), said.talk.as_str()), ("", ""), "{line}");
    }
    let listed = desk.done("list x -quiet");
    assert_eq!(listed.data.lines().count(), 2, "rows and no footer");
    let said = desk.zarc("add x d missing -quiet");
    assert_eq!(said.code, 1);
    assert!(said.talk.contains("missing: no such file"), "{}", said.talk);
}

#[test]
fn verbose_says_more() {
    let desk = Desk::with(&[("d/a", "1")]);
    for line in ["add x d", "list x", "test x", "extract x -to out"] {
        let said = desk.done(&format!("{line} -verbose"));
        let first = concat!("zarc ", env!("CARGO_PKG_VERSION"), ": archive x.zarc\n");
        assert!(said.talk.starts_with(first), "{line}: {}", said.talk);
    }
    assert!(desk.done("test x -verbose").number_before("blocks") > 0);
}

#[test]
fn sockets_are_saved_and_restored_with_special() {
    let desk = Desk::with(&[("d/a", "1")]);
    let _listener = UnixListener::bind(desk.path("d/socket")).unwrap();
    desk.done("add without d");
    assert_eq!(desk.done("list without").names(), ["- d/", "- d/a"]);
    desk.done("add with d -special");
    let listed = desk.done("list with");
    let socket = listed.rows().into_iter().find(|row| row.name == "d/socket").unwrap();
    let mode = desk.path("d/socket").metadata().unwrap().permissions().mode();
    assert_eq!(socket.mode, format!("s{:04o}", mode & 0o7777));
    desk.done("extract with -to out");
    assert_eq!(desk.tree("out"), ["d", "d/a"]);
    desk.done("extract with -to all -special");
    assert!(desk.path("all/d/socket").symlink_metadata().unwrap().file_type().is_socket());
}

#[test]
fn the_exit_code_is_0_only_when_everything_was_done() {
    let desk = Desk::with(&[("d/a", "1"), ("d/b", "2")]);
    for (line, code) in [
        ("add x d", 0),
        ("add x d missing", 1),
        ("list x d", 0),
        ("list x d missing", 1),
        ("extract x -to out", 0),
        ("extract x d missing -to other", 1),
        ("extract x missing", 2),
        ("test x", 0),
        ("test missing", 2),
        ("list missing", 2),
        ("add x", 2),
    ] {
        assert_eq!(desk.zarc(line).code, code, "{line}");
    }
}

#[test]
fn an_interrupted_add_returns_130_and_adds_nothing() {
    let desk = Desk::with(&[]);
    let content: Vec<u8> = noise(1, 32 << 20).into_iter().map(|byte| byte & 0x1f).collect();
    desk.write("d/large", &content);
    let mut child = desk
        .command("add x d -method 50 -threads 1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program listens for signals before it makes the archive.
    while !desk.path("x.zarc").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        std::thread::yield_now();
    }
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("nothing was added"), "{told}");
    assert!(!desk.path("x.zarc").exists());
}
