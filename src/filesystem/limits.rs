//! How many descriptors the process may hold: a walk needs one for each level of depth.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit of open descriptors to the hard one, as far as the system lets us.
pub fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Without it only trees deeper than the soft limit cannot be read, and they say so.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
