//! Changes of what is live: forward, back, and the bundles that come in for it.

use std::fs;

use crate::registry::durable::{
    DRAFT_PREFIX, remove_drafts, replace_file, sync_folder, write_file,
};
use crate::registry::history::{append, read, stack};
use crate::registry::{
    Bundle, Change, Entry, Error, HISTORY_FILE, LIVE_FILE, Live, Lock, MANIFEST_FILE, Purpose,
    Registry,
};

impl Registry {
    /// Keeps other processes from what `purpose` says, until the lock is dropped; fails at once,
    /// naming the holder, when one is at it.
    pub fn lock(&self, purpose: Purpose, holder: &str) -> Result<Lock, Error> {
        Lock::acquire(self.dir(), purpose, holder)
    }

    /// Makes `change.to` live and writes down why. Refused when the bundle is not the one that was
    /// judged, or when something else has gone live since. A reader sees the old one or the new
    /// one, never something between, and a crash leaves one of the two.
    pub fn change(&self, change: &Change) -> Result<(), Error> {
        let _lock = self.lock(Purpose::Change, &change.by)?;
        remove_drafts(self.dir())?;
        let bundle = Bundle::open(&self.path(&change.to.name)?)?;
        if bundle.digest() != change.to.digest {
            return Err(Error::Replaced {
                name: change.to.name.clone(),
                expected: change.to.digest,
                found: bundle.digest(),
            });
        }
        let live = self.find_live()?;
        if live != change.from {
            let version = |live: Option<&Live>| live.map_or("none".to_owned(), Live::version);
            return Err(Error::Overtaken {
                expected: version(change.from.as_ref()),
                found: version(live.as_ref()),
            });
        }
        append(self.dir(), change)?;
        let text = toml::to_string(&change.to).expect("two plain strings are TOML");
        replace_file(self.dir(), LIVE_FILE, text.as_bytes())
    }

    /// Every change of what is live, oldest first.
    pub fn history(&self) -> Result<Vec<Entry>, Error> {
        read(self.dir(), self.find_live()?.as_ref())
    }

    /// What a rollback goes back to: the newest bundle before the live one that is still there or,
    /// by its name or version, the last one of that kind that was live.
    pub fn rollback_target(&self, version: Option<&str>) -> Result<Live, Error> {
        let live = self.find_live()?;
        let entries = self.history()?;
        let nothing = || Error::NothingBefore { path: self.dir().join(HISTORY_FILE) };
        let Some(version) = version else {
            let stack = stack(&entries);
            let is_there = |it: &Live| self.path(&it.name).is_ok_and(|path| path.exists());
            let is_before = |it: &&Live| Some(*it) != live.as_ref() && is_there(it);
            let before = stack.iter().rev().find(is_before);
            return before.cloned().ok_or_else(nothing);
        };
        let were_live = entries.iter().filter(|entry| entry.took_effect).rev();
        let mut were_live =
            were_live.flat_map(|entry| [Some(&entry.change.to), entry.change.from.as_ref()]);
        let named = |it: &&Live| it.name == version || it.version() == version;
        were_live
            .find_map(|it| it.filter(named))
            .cloned()
            .ok_or_else(|| Error::NeverLive { version: version.to_owned() })
    }

    /// Takes a bundle in from elsewhere, byte by byte, all or nothing. It is not live by that.
    pub fn install(&self, bundle: &Bundle) -> Result<Bundle, Error> {
        let _lock = self.lock(Purpose::Change, "a bundle is taken in")?;
        remove_drafts(self.dir())?;
        let target = self.path(bundle.name())?;
        if target.exists() {
            return Err(Error::Exists { path: target });
        }
        let draft = self.dir().join(format!("{DRAFT_PREFIX}{}", bundle.name()));
        let failed = |source| Error::Io { path: draft.clone(), source };
        fs::create_dir(&draft).map_err(failed)?;
        for entry in &bundle.manifest().files {
            write_file(&draft.join(&entry.name), &bundle.read(&entry.name)?)?;
        }
        let manifest = bundle.path().join(MANIFEST_FILE);
        let manifest =
            fs::read(&manifest).map_err(|source| Error::Io { path: manifest.clone(), source })?;
        write_file(&draft.join(MANIFEST_FILE), &manifest)?;
        sync_folder(&draft).map_err(failed)?;
        fs::rename(&draft, &target).map_err(failed)?;
        sync_folder(self.dir()).map_err(failed)?;
        Bundle::open(&target)
    }
}
