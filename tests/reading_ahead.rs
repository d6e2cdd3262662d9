//! Goal: files are read ahead by several threads, and nobody can tell from the archive. Method: one
//! tree with all that takes another way through the readers, added with different numbers of
//! threads under the same clock and dice.

use std::fs;
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

use zarc::base::Until;

use crate::support::noise;
use crate::support::workbench::{
    Workbench, real_seconds, run_add, run_extract, set_clock, set_dice,
};

/// Small files, some of them twice; empty, sparse and large ones; links of both kinds.
fn build(root: &Path) {
    for directory in 0..30_u64 {
        let at = root.join(format!("{directory:02}"));
        fs::create_dir(&at).unwrap();
        for file in 0..40_u64 {
            let size = usize::try_from(directory * file * 7 % 9000).unwrap();
            fs::write(at.join(format!("{file}")), noise(file % 31, size)).unwrap();
        }
        symlink("nowhere", at.join("link")).unwrap();
    }
    // Longer than a portion, with fragments of the greatest length and holes in between.
    fs::write(root.join("05/large"), noise(1, 5_000_000)).unwrap();
    fs::write(root.join("05/zeros"), vec![0; 3_000_000]).unwrap();
    fs::write(root.join("20/large again"), noise(1, 5_000_000)).unwrap();
    let sparse = fs::File::create(root.join("07/sparse")).unwrap();
    sparse.write_all_at(&noise(2, 300_000), 1 << 20).unwrap();
    sparse.write_all_at(&noise(3, 70_000), 4 << 20).unwrap();
    sparse.set_len(6 << 20).unwrap();
    for name in ["00/large", "11/0", "29/zz"] {
        fs::hard_link(root.join("05/large"), root.join(name).with_extension("linked")).unwrap();
    }
}

fn add_with(bench: &Workbench, threads: usize) -> Vec<u8> {
    let archive = bench.path(&format!("{threads}.zarc"));
    set_dice(7);
    let mut options = bench.add_options(b"");
    options.archive = archive.clone().into();
    options.threads = threads;
    let (summary, told) = run_add(&options);
    assert_eq!(summary.problems, 0, "{}", told.warnings());
    fs::read(archive).unwrap()
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let bench = Workbench::new(tempfile::tempdir().unwrap());
    set_clock(real_seconds() + 100);
    build(&bench.work());
    let first = [1, 2, 3, 16].map(|threads| add_with(&bench, threads));
    assert!(first.iter().all(|bytes| *bytes == first[0]));

    // The second time some are compared and found the same, others are new or gone.
    fs::write(bench.work().join("05/large"), noise(9, 2_500_000)).unwrap();
    fs::remove_dir_all(bench.work().join("06")).unwrap();
    for file in 0..40 {
        let touched = bench.work().join(format!("12/{file}"));
        let mode = fs::metadata(&touched).unwrap().permissions();
        fs::set_permissions(&touched, mode).unwrap();
    }
    set_clock(real_seconds() + 200);
    let second = [1, 2, 3, 16].map(|threads| add_with(&bench, threads));
    assert!(second.iter().all(|bytes| *bytes == second[0] && bytes.len() > first[0].len()));

    for threads in [1, 16] {
        let out = bench.path(&format!("out{threads}"));
        run_extract(&bench.path(&format!("{threads}.zarc")), &out, Until::Latest, false).unwrap();
        let linked = fs::read(out.join("t/29/zz.linked")).unwrap();
        assert!(linked == noise(9, 2_500_000));
    }
}
