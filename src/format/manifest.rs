//! Everything that a version is: `spec/format.md` section 8.

use crate::base::{ByteReader, ByteWriter, Error, ErrorKind, Result};

use super::directory::RunKind;
use super::limits::{COMMENT_BYTES_MAX, COUNT_MAX, META_BYTES_MAX, RUNS_MAX};
use super::place::Place;

/// Where a run's directory is and what the run holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReference {
    /// What the records are.
    pub kind: RunKind,
    /// Where the DIRECTORY frame starts.
    pub place: Place,
    /// Payload length of that frame in bytes.
    pub payload_len: u64,
    /// Oldest and newest update whose records it holds.
    pub updates: (u64, u64),
    /// How many records.
    pub records: u64,
    /// The first block, of a run of fragment records; else 0.
    pub first_block: u64,
}

/// Where a run of identities is and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityRun {
    /// Where the DIRECTORY frame starts.
    pub place: Place,
    /// Payload length of that frame in bytes.
    pub payload_len: u64,
    /// How many fragments.
    pub records: u64,
    /// All fragments of so many blocks, which follow those of the run before.
    pub blocks: u64,
}

/// What an update changed and what the version holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Names that were new.
    pub added: u64,
    /// Names whose content or metadata changed.
    pub updated: u64,
    /// Names that went away.
    pub deleted: u64,
    /// Names of which only ctime, inode, links or settledness changed.
    pub touched: u64,
    /// Bytes of content in the added and updated files.
    pub content_bytes: u64,
    /// Bytes of content that no earlier fragment held.
    pub new_bytes: u64,
    /// Bytes of payload in DATA frames.
    pub data_bytes: u64,
    /// Names in the version.
    pub names: u64,
    /// Bytes of content in the version.
    pub names_bytes: u64,
    /// Blocks in the archive.
    pub blocks: u64,
    /// Fragments in the archive.
    pub fragments: u64,
}

/// Payload of a MANIFEST frame, unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Update number.
    pub update: u64,
    /// Date of the update, seconds since 1970.
    pub date: i64,
    /// What changed, what there is.
    pub counts: Counts,
    /// The user's words.
    pub comment: Vec<u8>,
    /// The entries that this update changed.
    pub delta_entries: Option<RunReference>,
    /// The blocks that this update added.
    pub delta_fragments: Option<RunReference>,
    /// Runs of entries, newest first.
    pub entry_runs: Vec<RunReference>,
    /// Runs of fragment records, in rising order of blocks.
    pub fragment_runs: Vec<RunReference>,
    /// Runs of identities, in rising order of blocks from 0 on. They only help to find fragments: those of
    /// later blocks are in none, and what a run leaves out is lost for no reader.
    pub identity_runs: Vec<IdentityRun>,
}

/// Manifest field of the identity runs.
const IDENTITY_RUNS_TAG: u64 = 1;
/// Fields from here on are not passed over by a reader that does not know them.
const FIRST_NEEDED_TAG: u64 = 128;

impl Manifest {
    /// The raw bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = ByteWriter::new();
        writer.varint(self.update).signed_varint(self.date);
        for count in self.counts.as_array() {
            writer.varint(count);
        }
        writer.byte_string(&self.comment);
        for delta in [&self.delta_entries, &self.delta_fragments] {
            match delta {
                Some(run) => run.encode(&mut writer),
                None => {
                    writer.u8(0);
                }
            }
        }
        for runs in [&self.entry_runs, &self.fragment_runs] {
            writer.varint(runs.len() as u64);
            for run in runs {
                run.encode(&mut writer);
            }
        }
        if !self.identity_runs.is_empty() {
            let mut field = ByteWriter::new();
            field.varint(self.identity_runs.len() as u64);
            for run in &self.identity_runs {
                run.encode(&mut field);
            }
            writer.varint(IDENTITY_RUNS_TAG).byte_string(field.as_bytes());
        }
        writer.u8(0);
        writer.into_bytes()
    }

    /// Reads the raw bytes.
    pub fn decode(raw: &[u8]) -> Result<Self> {
        let mut reader = ByteReader::new(raw, "manifest");
        let (update, date) = (reader.varint()?, reader.signed_varint()?);
        let counts = Counts::decode(&mut reader)?;
        let comment_limit = usize::try_from(COMMENT_BYTES_MAX).unwrap_or(usize::MAX);
        let comment = reader.byte_string(comment_limit, "comment length")?.to_vec();
        let mut manifest = Self {
            update,
            date,
            counts,
            comment,
            delta_entries: RunReference::decode(&mut reader, RunKind::Entries)?,
            delta_fragments: RunReference::decode(&mut reader, RunKind::Fragments)?,
            entry_runs: decode_runs(&mut reader, RunKind::Entries)?,
            fragment_runs: decode_runs(&mut reader, RunKind::Fragments)?,
            identity_runs: Vec::new(),
        };
        manifest.decode_fields(&mut reader)?;
        reader.finish()?;
        manifest.check_updates()?;
        manifest.check_blocks()?;
        Ok(manifest)
    }

    fn decode_fields(&mut self, reader: &mut ByteReader<'_>) -> Result<()> {
        let mut before = 0;
        loop {
            let tag = reader.varint()?;
            if tag == 0 {
                return Ok(());
            }
            if tag <= before {
                return Err(reader.corrupt("its fields are out of order"));
            }
            if tag >= FIRST_NEEDED_TAG {
                return Err(Error::new(ErrorKind::Unsupported, "the archive needs a newer zarc")
                    .because(format!("its manifest has the unknown field {tag}")));
            }
            let value = reader.byte_string(usize::MAX, "field length")?;
            if tag == IDENTITY_RUNS_TAG {
                self.identity_runs = decode_identity_runs(value, self.counts.blocks)?;
            }
            before = tag;
        }
    }

    /// Live entry runs are of updates that fall from run to run.
    fn check_updates(&self) -> Result<()> {
        let mut newer = self.update.saturating_add(1);
        for run in &self.entry_runs {
            if run.updates.0 > run.updates.1 || run.updates.1 >= newer {
                return Err(ByteReader::new(&[], "manifest").corrupt("its runs are out of order"));
            }
            newer = run.updates.0;
        }
        Ok(())
    }

    /// Live fragment runs cover the blocks from 0 to the count, each once.
    fn check_blocks(&self) -> Result<()> {
        let mut next_block = 0_u64;
        for run in &self.fragment_runs {
            if run.first_block != next_block {
                break;
            }
            next_block = next_block.saturating_add(run.records);
        }
        let sum = self.fragment_runs.iter().try_fold(0_u64, |sum, r| sum.checked_add(r.records));
        if next_block != self.counts.blocks || sum != Some(self.counts.blocks) {
            return Err(ByteReader::new(&[], "manifest").corrupt("its runs leave out blocks"));
        }
        Ok(())
    }
}

fn decode_runs(reader: &mut ByteReader<'_>, kind: RunKind) -> Result<Vec<RunReference>> {
    let mut runs = Vec::new();
    for _ in 0..reader.varint_at_most(RUNS_MAX, "number of runs")? {
        match RunReference::decode(reader, kind)? {
            Some(run) => runs.push(run),
            None => return Err(reader.corrupt("a live run is missing")),
        }
    }
    Ok(runs)
}

/// Runs that cover no more than so many blocks.
fn decode_identity_runs(value: &[u8], blocks: u64) -> Result<Vec<IdentityRun>> {
    let mut reader = ByteReader::new(value, "manifest");
    let (mut runs, mut room) = (Vec::new(), blocks);
    for _ in 0..reader.varint_at_most(RUNS_MAX, "number of runs")? {
        let run = IdentityRun {
            place: Place::decode(&mut reader)?,
            payload_len: reader.varint_at_most(META_BYTES_MAX, "payload length")?,
            records: reader.varint_at_most(COUNT_MAX, "number of fragments")?,
            blocks: reader.varint_at_most(room, "number of blocks")?,
        };
        if run.blocks == 0 || run.records < run.blocks {
            return Err(reader.corrupt("a run of identities without blocks"));
        }
        room -= run.blocks;
        runs.push(run);
    }
    if runs.is_empty() {
        return Err(reader.corrupt("no runs of identities"));
    }
    reader.finish()?;
    Ok(runs)
}

impl IdentityRun {
    fn encode(&self, writer: &mut ByteWriter) {
        self.place.encode(writer);
        writer.varint(self.payload_len).varint(self.records).varint(self.blocks);
    }

    /// As runs of other kinds are referred to.
    pub fn reference(&self) -> RunReference {
        let Self { place, payload_len, records, .. } = *self;
        let (kind, updates, first_block) = (RunKind::Identities, (0, 0), 0);
        RunReference { kind, place, payload_len, updates, records, first_block }
    }
}

impl RunReference {
    fn encode(&self, writer: &mut ByteWriter) {
        writer.u8(self.kind as u8);
        self.place.encode(writer);
        writer.varint(self.payload_len).varint(self.updates.0).varint(self.updates.1);
        writer.varint(self.records);
        if self.kind == RunKind::Fragments {
            writer.varint(self.first_block);
        }
    }

    fn decode(reader: &mut ByteReader<'_>, kind: RunKind) -> Result<Option<Self>> {
        match RunKind::decode(reader)? {
            None => return Ok(None),
            Some(found) if found == kind => {}
            Some(_) => return Err(reader.corrupt("a run of the wrong kind")),
        }
        Ok(Some(Self {
            kind,
            place: Place::decode(reader)?,
            payload_len: reader.varint_at_most(META_BYTES_MAX, "payload length")?,
            updates: (reader.varint()?, reader.varint()?),
            records: reader.varint()?,
            first_block: if kind == RunKind::Fragments { reader.varint()? } else { 0 },
        }))
    }
}

impl Counts {
    fn as_array(&self) -> [u64; 11] {
        [
            self.added,
            self.updated,
            self.deleted,
            self.touched,
            self.content_bytes,
            self.new_bytes,
            self.data_bytes,
            self.names,
            self.names_bytes,
            self.blocks,
            self.fragments,
        ]
    }

    fn decode(reader: &mut ByteReader<'_>) -> Result<Self> {
        Ok(Self {
            added: reader.varint()?,
            updated: reader.varint()?,
            deleted: reader.varint()?,
            touched: reader.varint()?,
            content_bytes: reader.varint()?,
            new_bytes: reader.varint()?,
            data_bytes: reader.varint()?,
            names: reader.varint_at_most(COUNT_MAX, "number of names")?,
            names_bytes: reader.varint()?,
            blocks: reader.varint_at_most(COUNT_MAX, "number of blocks")?,
            fragments: reader.varint_at_most(COUNT_MAX, "number of fragments")?,
        })
    }
}
