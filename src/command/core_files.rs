//! Keeps passwords and keys out of core files, and other processes of the user out of this one's memory.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

use crate::base::Progress;

/// From now on a crash of this process leaves no core file. Programs that it starts decide for
/// themselves, within the limit.
pub(super) fn forbid_core_files(progress: &dyn Progress) {
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    let forbidden = setrlimit(Resource::Core, limit)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = forbidden {
        progress.warn(&format!("a crash may write the password to a core file: {error}"));
    }
}
