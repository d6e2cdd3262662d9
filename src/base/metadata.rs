//! What a file system says of an object besides its content.

use super::timestamp::Timestamp;

/// What an object is. The numbers are those of `spec/format.md` section 7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A character device node.
    CharacterDevice,
    /// A block device node.
    BlockDevice,
    /// A named socket.
    Socket,
}

/// One extended attribute. Access control lists are extended attributes too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    /// With its name space: `user.note`, `system.posix_acl_access`.
    pub name: Vec<u8>,
    /// The value's bytes.
    pub value: Vec<u8>,
}

/// What is saved and restored of an object besides its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-id, set-group-id and sticky: 12 bits.
    pub mode: u32,
    /// When the content was last modified.
    pub mtime: Timestamp,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Name of the owner, empty when the system has none.
    pub user: Vec<u8>,
    /// Name of the group, empty when the system has none.
    pub group: Vec<u8>,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<Xattr>,
    /// Where a symbolic link points; empty for everything else.
    pub link_target: Vec<u8>,
    /// Major and minor number of a device node; (0, 0) for everything else.
    pub device: (u32, u32),
    /// What `GetFileAttributes` says in Windows, a bit each; nothing where no system says it.
    pub windows_attributes: Option<u32>,
}

impl Metadata {
    /// Of an object of which nothing else is known: no permissions, owner 0, nothing more.
    pub fn bare(kind: Kind, mtime: Timestamp) -> Self {
        Self {
            kind,
            mode: 0,
            mtime,
            uid: 0,
            gid: 0,
            user: Vec::new(),
            group: Vec::new(),
            xattrs: Vec::new(),
            link_target: Vec::new(),
            device: (0, 0),
            windows_attributes: None,
        }
    }
}

/// What tells whether an object changed since it was last looked at; never restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Length of the content in bytes; 0 for all but regular files.
    pub size: u64,
    /// When content or metadata last changed.
    pub ctime: Timestamp,
    /// Number of the file system.
    pub device: u64,
    /// Number of the object in its file system.
    pub inode: u64,
    /// How many names the object has.
    pub links: u64,
}
