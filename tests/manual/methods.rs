//! `-method`, `-fragment` and `-threads`: how blocks are made, never what is in them.

use std::fs;

use super::{Desk, is_same_file};
use crate::support::noise;

/// Words of programmers: a text of a known kind, at hand.
fn text() -> Vec<u8> {
    let mut folders: Vec<_> =
        fs::read_dir("src").unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let mut files: Vec<_> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    files.iter().filter(|file| file.is_file()).flat_map(|file| fs::read(file).unwrap()).collect()
}

/// Bytes that compress and do not repeat.
fn small_numbers(len: usize) -> Vec<u8> {
    noise(6, len).into_iter().map(|byte| byte & 0x1f).collect()
}

#[test]
fn higher_levels_compress_better_and_level_0_not_at_all() {
    let desk = Desk::new();
    let content = text();
    assert!(content.len() > 200_000);
    desk.write("t", &content);
    let mut sizes = Vec::new();
    for level in 0..=5 {
        desk.done(&format!("add x{level} t -method {level}"));
        sizes.push(desk.len(&format!("x{level}.zarc")));
        desk.done(&format!("extract x{level} -to out{level}"));
        assert!(is_same_file(&desk.path("t"), &desk.path(&format!("out{level}/t"))));
    }
    let raw = content.len() as u64;
    assert!(sizes[0] >= raw && sizes[0] < raw + raw / 50 + 20_000, "{sizes:?} of {raw}");
    assert!(sizes[1] < raw / 2, "{sizes:?} of {raw}");
    // To the size of a page.
    assert!(sizes.windows(2).all(|pair| pair[1] <= pair[0]) && sizes[5] < sizes[1], "{sizes:?}");
    // Level 0 deduplicates all the same.
    fs::copy(desk.path("t"), desk.path("copy")).unwrap();
    desk.done("add x0 copy -method 0");
    assert!(desk.len("x0.zarc") < sizes[0] + 20_000);
}

#[test]
fn blocks_are_at_most_as_large_as_the_method_says() {
    let desk = Desk::new();
    desk.write("t", &small_numbers(7 << 19));
    let len = desk.len("t");
    for (method, blocks) in
        [("10", len.div_ceil(1 << 20)), ("11", len.div_ceil(2 << 20)), ("14", 1)]
    {
        desk.done(&format!("add x{method} t -m{method}"));
        let checked = desk.done(&format!("test x{method} -verbose"));
        let found = checked.number_before("blocks");
        // A block ends where the next fragment does not fit.
        assert!((blocks..=blocks + 1).contains(&found), "{method}: {found} blocks of {len} bytes");
    }
    // What cannot be compressed gains nothing from larger ones.
    desk.write("noise", &noise(11, 9 << 20));
    desk.done("add incompressible noise -m14");
    let checked = desk.done("test incompressible -verbose");
    assert_eq!(checked.number_before("blocks"), 2);
}

#[test]
fn methods_of_other_formats_are_refused() {
    let desk = Desk::with(&[("t", "text")]);
    for method in ["s4", "s4,100,1", "x4", "6", "9", "49", "411", ""] {
        let said = desk.zarc(&format!("add x t -method={method}"));
        assert_eq!(said.code, 2, "{method}");
        assert!(said.talk.starts_with("zarc: -method "), "{}", said.talk);
    }
    assert!(!desk.path("x.zarc").exists());
}

#[test]
fn fragments_are_of_the_size_asked_for_and_each_costs_some_bytes() {
    let desk = Desk::new();
    let len = 1 << 20;
    desk.write("noise", &noise(8, len));
    let mut archives = Vec::new();
    for exponent in [0, 3, 6] {
        desk.done(&format!("add x{exponent} noise -fragment {exponent}"));
        let name = format!("x{exponent}");
        let fragments = desk.done(&format!("test {name}")).number_before("fragments");
        let mean = len as u64 / fragments;
        assert!((512 << exponent..2048 << exponent).contains(&mean), "{exponent}: {mean}");
        desk.done(&format!("extract {name} -to out{exponent}"));
        assert!(is_same_file(&desk.path("noise"), &desk.path(&format!("out{exponent}/noise"))));
        archives.push((fragments, desk.len(&format!("{name}.zarc"))));
    }
    desk.done("add default noise");
    assert_eq!(desk.done("test default").number_before("fragments"), archives[2].0);
    let (fewer, small) = archives[2];
    let (more, large) = archives[0];
    let cost = (large - small) / (more - fewer);
    assert!((30..=45).contains(&cost), "a fragment takes {cost} bytes");
    assert!(fewer * cost * 1000 < len as u64, "less than 0.1 % by default");
}

/// One byte is changed in every 20,000: small fragments between the changes are known again.
#[test]
fn smaller_fragments_find_more_again() {
    let desk = Desk::new();
    let content = noise(12, 1 << 20);
    let mut changed = content.clone();
    changed.iter_mut().step_by(20_000).for_each(|byte| *byte ^= 1);
    desk.write("content", &content);
    desk.write("next", &changed);
    let new_bytes = |exponent: u8| -> u64 {
        desk.done(&format!("add x{exponent} content -fragment {exponent}"));
        let said = desk.done(&format!("add x{exponent} next -fragment {exponent}"));
        said.items()[0].rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (small, large) = (new_bytes(0), new_bytes(6));
    assert!(small * 4 < large, "{small} and {large} bytes are new");
}

#[test]
fn other_fragments_are_not_found_again() {
    let desk = Desk::new();
    desk.write("one", &noise(9, 500_000));
    desk.write("copy", &noise(9, 500_000));
    desk.done("add x one");
    let said = desk.done("add x copy -fragment 3");
    assert_eq!(said.items(), ["+ copy 500000"], "it is stored anew");
    assert!(said.talk.contains("content cut with 3 is not found"), "{}", said.talk);
    // An archive keeps the size that it was made with.
    desk.write("another", &noise(9, 500_000));
    assert_eq!(desk.done("add x another").items(), ["+ another 500000 -> 0"]);
    desk.done("extract x -to out");
    assert!(is_same_file(&desk.path("copy"), &desk.path("out/copy")));
}

/// The most threads that the program has at a time while it does `line`, and the most memory in KiB.
#[cfg(target_os = "linux")]
fn most_of(desk: &Desk, line: &str) -> (usize, u64) {
    let mut command = desk.command(line);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let process = format!("/proc/{}", child.id());
    let (mut threads, mut memory) = (0, 0);
    let status = loop {
        threads = threads.max(fs::read_dir(format!("{process}/task")).map_or(0, Iterator::count));
        let status = fs::read_to_string(format!("{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        memory = memory.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert!(status.success(), "{line}");
    (threads, memory)
}

/// The main thread, which reads and writes, is one more.
#[cfg(target_os = "linux")]
#[test]
fn at_most_so_many_threads_work_as_were_asked_for() {
    let desk = Desk::new();
    desk.write("t", &small_numbers(8 << 20));
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut memory_of_add = Vec::new();
    for (threads, most) in [(" -t1", 1), (" -threads 2", 2), (" -t9", 9), ("", cores)] {
        let name = format!("x{}", threads.replace([' ', '-'], ""));
        let (seen, memory) = most_of(&desk, &format!("add {name} t -m30{threads}"));
        // As many blocks and as many files at the same time, and the one who writes.
        assert!(seen <= 2 * most + 1, "add{threads}: {seen}");
        assert!(threads != " -t9" || seen > 3, "add{threads}: {seen}");
        memory_of_add.push(memory);
        let (seen, _) = most_of(&desk, &format!("extract {name} -to out{name}{threads}"));
        assert!(seen <= most + 1, "extract{threads}: {seen}");
        assert!(is_same_file(&desk.path("t"), &desk.path(&format!("out{name}/t"))));
    }
    // Fewer threads take less memory.
    assert!(memory_of_add[0] < memory_of_add[2], "{memory_of_add:?} KiB");
}
