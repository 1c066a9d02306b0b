//! The rules for one entry, given what came before it.
//!
//! Never lets an entry out of which the engine would write a device, follow a link of the archive, or link to a file
//! that the archive did not bring.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use super::error::{Problem, Refusal, printable};
use super::header::{Flag, Header};
use super::name::Name;
use super::pax::{Records, Time};

/// An entry that may be written.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) mtime: Time,
    pub(super) uname: Vec<u8>,
    pub(super) gname: Vec<u8>,
    pub(super) attributes: BTreeMap<String, Vec<u8>>,
}

/// What an entry is.
#[derive(Debug)]
pub(super) enum Kind {
    Directory,
    File { size: u64 },
    Symlink { target: Vec<u8> },
    HardLink { target: Name },
}

/// What extended headers said about the entry that follows them.
#[derive(Debug, Default)]
pub(super) struct Extension {
    pub(super) long_name: Option<Vec<u8>>,
    pub(super) long_link: Option<Vec<u8>>,
    pub(super) records: Option<Records>,
}

/// The paths that an archive has brought so far. Only their fingerprints are kept, under keys made for this archive,
/// so that 100 000 names of 4096 bytes do not fill the memory and nobody can search for two names that look the same.
#[derive(Debug, Default)]
pub(super) struct Seen {
    keys: [RandomState; 2],
    shapes: HashMap<u128, Shape>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Directory,
    File,
    Symlink,
}

impl Extension {
    pub(super) fn is_empty(&self) -> bool {
        let Self { long_name, long_link, records } = self;
        long_name.is_none() && long_link.is_none() && records.is_none()
    }

    /// The name of the entry, as far as the extension and the header tell.
    pub(super) fn name<'a>(&'a self, header: &'a Header) -> &'a [u8] {
        let path = self.records.as_ref().and_then(|records| records.path.as_deref());
        self.long_name.as_deref().or(path).unwrap_or(&header.name)
    }
}

impl Seen {
    /// Judges an entry and remembers its path.
    ///
    /// # Errors
    /// The rule that the entry breaks.
    pub(super) fn judge(&mut self, header: Header, extension: Extension) -> Result<Entry, Problem> {
        let Header { flag, name, link, mode, uid, gid, size, mtime, uname, gname } = header;
        let Extension { long_name, long_link, records } = extension;
        let records = records.unwrap_or_default();
        let raw = one_of(long_name, records.path)?.unwrap_or(name);
        let link = one_of(long_link, records.linkpath)?.unwrap_or(link);
        let size = agreed_size(size, records.size)?;
        let name = Name::read(&raw)?;
        let kind = read_kind(flag, &name, &raw, link, size)?;
        self.remember(&name, &kind)?;
        Ok(Entry {
            name,
            kind,
            mode,
            uid: owner(records.uid.unwrap_or(uid))?,
            gid: owner(records.gid.unwrap_or(gid))?,
            mtime: records.mtime.unwrap_or(mtime),
            uname: owner_name(records.uname.unwrap_or(uname))?,
            gname: owner_name(records.gname.unwrap_or(gname))?,
            attributes: records.attributes,
        })
    }

    fn remember(&mut self, name: &Name, kind: &Kind) -> Result<(), Refusal> {
        let shape = match kind {
            Kind::Directory => Shape::Directory,
            Kind::Symlink { .. } => Shape::Symlink,
            Kind::File { .. } => Shape::File,
            Kind::HardLink { target } => {
                self.check_hard_link(name, target)?;
                Shape::File
            }
        };
        let own = self.check_way(name)?;
        match self.shapes.insert(own, shape) {
            Some(before) if before != shape => Err(Refusal::ChangesKind),
            Some(_) | None => Ok(()),
        }
    }

    fn check_hard_link(&self, name: &Name, target: &Name) -> Result<(), Refusal> {
        let fingerprint = self.check_way(target)?;
        if name != target && self.shapes.get(&fingerprint) == Some(&Shape::File) {
            return Ok(());
        }
        Err(Refusal::HardLinkTarget(printable(target.as_bytes())))
    }

    /// Walks from the root to a name, and gives the name's fingerprint.
    fn check_way(&self, name: &Name) -> Result<u128, Refusal> {
        let [mut high, mut low] = self.keys.each_ref().map(RandomState::build_hasher);
        let mut here = fingerprint(&high, &low);
        let mut length = 0;
        for component in name.components() {
            let way = || printable(name.as_bytes().get(..length).unwrap_or_default());
            match self.shapes.get(&here).filter(|_| length > 0) {
                Some(Shape::Symlink) => return Err(Refusal::ThroughSymlink(way())),
                Some(Shape::File) => return Err(Refusal::ThroughFile(way())),
                Some(Shape::Directory) | None => {}
            }
            for hasher in [&mut high, &mut low] {
                hasher.write(component);
                hasher.write(b"/");
            }
            here = fingerprint(&high, &low);
            length += component.len() + usize::from(length > 0);
        }
        Ok(here)
    }
}

fn fingerprint(high: &impl Hasher, low: &impl Hasher) -> u128 {
    u128::from(high.finish()) << 64 | u128::from(low.finish())
}

/// Go's reader prefers the GNU name, others the PAX one.
fn one_of(gnu: Option<Vec<u8>>, pax: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Refusal> {
    if gnu.is_some() && pax.is_some() { Err(Refusal::TwoNames) } else { Ok(gnu.or(pax)) }
}

/// A size in a record stands for one that the header cannot hold; writers then leave 0 in the header.
fn agreed_size(header: u64, record: Option<u64>) -> Result<u64, Refusal> {
    match record {
        Some(size) if header != 0 && header != size => Err(Refusal::TwoSizes),
        Some(size) => Ok(size),
        None => Ok(header),
    }
}

fn read_kind(flag: Flag, name: &Name, raw: &[u8], link: Vec<u8>, size: u64) -> Result<Kind, Problem> {
    let slash = raw.ends_with(b"/");
    let kind = match flag {
        Flag::Oldest if slash => Kind::Directory,
        Flag::Directory => Kind::Directory,
        Flag::File | Flag::Oldest => return file(name, slash, size),
        Flag::Symlink => {
            name.check_symlink(&link)?;
            Kind::Symlink { target: link }
        }
        Flag::HardLink => Kind::HardLink { target: hard_link_target(&link)? },
        Flag::LongName | Flag::LongLink | Flag::Extended | Flag::Global => {
            return Err(Problem::Malformed("an extended header stands for an entry"));
        }
    };
    // Readers disagree on whether the content of a link or folder is skipped.
    if size != 0 {
        return Err(Refusal::HasContent.into());
    }
    if matches!(kind, Kind::Directory) { Ok(kind) } else { not_folder(name, slash).map(|()| kind) }
}

fn file(name: &Name, slash: bool, size: u64) -> Result<Kind, Problem> {
    not_folder(name, slash)?;
    Ok(Kind::File { size })
}

/// GNU tar makes a folder of a file whose name ends with a slash, Go does not.
fn not_folder(name: &Name, slash: bool) -> Result<(), Problem> {
    if name.is_root() {
        return Err(Refusal::Root.into());
    }
    if slash { Err(Refusal::TrailingSlash.into()) } else { Ok(()) }
}

fn hard_link_target(link: &[u8]) -> Result<Name, Refusal> {
    if link.is_empty() {
        return Err(Refusal::EmptyTarget);
    }
    let target = Name::read(link)?;
    if target.is_root() { Err(Refusal::EmptyTarget) } else { Ok(target) }
}

/// The highest ID means "leave as it is" to chown(2).
fn owner(id: u64) -> Result<u64, Refusal> {
    if id < u64::from(u32::MAX) { Ok(id) } else { Err(Refusal::Owner) }
}

fn owner_name(name: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    if name.len() > OWNER_NAME_LIMIT { Err(Refusal::OwnerName) } else { Ok(name) }
}

/// The longest name of an owner or group, in bytes.
const OWNER_NAME_LIMIT: usize = 256;
