//! The audit file: whether it can be written, and who else can read it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::finding::Finding;

/// Whether the audit that `serve --audit` names can be kept. Must never write to it, nor make it.
pub(super) fn audit(sink: &str) -> Finding {
    match sink {
        "" | "-" | "stdout" | "stderr" => Finding::fine("the audit goes to a standard stream"),
        "none" => {
            Finding::doubtful("no audit is kept (`--audit none`)", "name a file, or let it go to standard output")
        }
        path => file(Path::new(path)),
    }
}

fn file(path: &Path) -> Finding {
    let shown = path.display();
    let writable = |path: &Path| accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok();
    let Ok(metadata) = path.metadata() else {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        if folder.is_dir() && writable(folder) {
            return Finding::fine(format!("the audit file `{shown}` can be made"));
        }
        let what =
            format!("the audit file `{shown}` cannot be made: its folder is not there, or not writable for this user");
        return Finding::wrong(what, "make the folder and give it to the broker's user");
    };
    if !metadata.is_file() || !writable(path) {
        let what = format!("the audit file `{shown}` cannot be written by this user");
        return Finding::wrong(what, "give it to the broker's user, with mode 0600");
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        let what = format!("others than its user may open the audit file `{shown}` (mode 0{mode:03o})");
        return Finding::doubtful(what, "give it mode 0600: it tells what everybody did");
    }
    Finding::fine(format!("the audit file `{shown}` can be written"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::finding::Severity;
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_wrong_and_one_that_others_read_is_doubtful() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.json");
        let of = |path: &Path| audit(path.to_str().unwrap()).severity;
        assert_eq!(of(&path), Severity::Fine);
        assert!(!path.exists(), "looking makes nothing");
        std::fs::write(&path, "").unwrap();
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert_eq!(of(&path), Severity::Doubtful);
        mode(0o600);
        assert_eq!(of(&path), Severity::Fine);
        assert_eq!(of(directory.path()), Severity::Wrong);
        assert_eq!(of(&directory.path().join("none/audit.json")), Severity::Wrong);
    }

    #[test]
    fn streams_are_fine_and_no_audit_is_doubtful() {
        assert_eq!(audit("stdout").severity, Severity::Fine);
        assert_eq!(audit("none").severity, Severity::Doubtful);
    }
}
