//! Names of users and groups, asked of the system once each.

use std::collections::HashMap;

use nix::unistd::{Gid, Group, Uid, User};

/// Remembers which names belong to numeric owners and groups.
#[derive(Debug, Default)]
pub struct AccountNames {
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
}

impl AccountNames {
    /// Knows nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the user `uid`, empty when the system has none.
    pub fn user(&mut self, uid: u32) -> &[u8] {
        self.users.entry(uid).or_insert_with(|| {
            let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
            user.map_or_else(Vec::new, |user| user.name.into_bytes())
        })
    }

    /// The name of the group `gid`, empty when the system has none.
    pub fn group(&mut self, gid: u32) -> &[u8] {
        self.groups.entry(gid).or_insert_with(|| {
            let group = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
            group.map_or_else(Vec::new, |group| group.name.into_bytes())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::AccountNames;

    #[test]
    fn root_has_a_name_and_nobody_else_borrows_it() {
        let mut names = AccountNames::new();
        assert_eq!(names.user(0), b"root");
        assert_eq!(names.user(3_999_999_999), b"");
        assert_eq!(names.group(3_999_999_999), b"");
    }
}
