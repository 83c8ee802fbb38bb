//! What every store must do, whatever it keeps credentials in.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use astropass_core::{
    Cleared, Credentials, Identity, Revision, Secret, Store, StoreError, Timestamp, User,
};
use tokio::runtime::{Builder, Runtime};

use crate::HANGS;
use crate::server::CANARY;

/// How often the writer that is read beside replaces the credentials.
const REPLACED: usize = 20;

/// Puts a store through all of it. `open` gives one more handle on the profile of that name, as
/// another process would have; each name that is asked for must be signed out at first.
pub fn every_store<S: Store>(open: impl Fn(&str) -> S + Sync) {
    let on = |name: &str| Subject { a: open(name), b: open(name) };
    runtime().block_on(async {
        on("empty").holds_nothing_at_first().await;
        on("saved").gives_back_what_was_saved().await;
        on("replaced").replaces().await;
        on("expected").changes_only_what_was_read().await;
        on("revisions").never_repeats_a_revision().await;
        on("cleared").clears().await;
        on("locked").is_locked_by_one_at_a_time(&open("unlocked")).await;
        on("probed").leaves_nothing_of_a_probe().await;
        keeps_profiles_apart(&open("apart-1"), &open("apart-2")).await;
    });
    is_read_beside_its_writer(&open);
}

/// Credentials of which each part names `mark`, so that a mixture shows.
pub fn credentials(mark: &str) -> Credentials {
    Credentials {
        identity: Identity {
            issuer: "https://issuer.example".to_owned(),
            client_id: "client".to_owned(),
            subject: Some("user-1".to_owned()),
            organization: None,
        },
        user: Some(User {
            id: "user-1".to_owned(),
            email: Some(format!("{mark}@example.com")),
            name: None,
        }),
        access_token: Secret::new(format!("access-{CANARY}-{mark}")),
        refresh_token: Some(Secret::new(format!("refresh-{CANARY}-{mark}"))),
        received_at: Timestamp::from_unix(1_800_000_000),
        lifetime: Some(3600),
        login: None,
    }
}

/// Whether both are the same in all that is stored.
pub fn same(one: &Credentials, other: &Credentials) -> bool {
    let (one, other) = (one.to_stored(), other.to_stored());
    one.session == other.session && one.tokens == other.tokens
}

/// The store holds exactly `expected`.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn assert_stored(
    found: Result<Option<(Revision, Arc<Credentials>)>, StoreError>,
    revision: &Revision,
    expected: &Credentials,
) {
    let (found_revision, found) = found.unwrap().expect("nothing is stored");
    assert_eq!(&found_revision, revision);
    assert!(same(&found, expected), "other credentials are stored");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Two handles on one profile.
struct Subject<S> {
    a: S,
    b: S,
}

impl<S: Store> Subject<S> {
    async fn guard(&self) -> S::Guard {
        self.a.lock(HANGS).await.unwrap()
    }

    /// Stores credentials through the one handle.
    async fn save(&self, expected: Option<&Revision>, credentials: &Credentials) -> Revision {
        let guard = self.guard().await;
        self.a.save(&guard, expected, credentials).await.unwrap()
    }

    async fn assert_stored(&self, revision: &Revision, expected: &Credentials) {
        for handle in [&self.a, &self.b] {
            assert_eq!(handle.revision().await.unwrap().as_ref(), Some(revision));
            assert_stored(handle.load().await, revision, expected);
        }
    }

    async fn assert_empty(&self) {
        for handle in [&self.a, &self.b] {
            assert_eq!(handle.revision().await, Ok(None));
            assert!(handle.load().await.unwrap().is_none());
        }
    }

    async fn holds_nothing_at_first(&self) {
        self.assert_empty().await;
        let guard = self.guard().await;
        let unknown = Revision("0".to_owned());
        assert_eq!(self.a.clear(&guard, &unknown).await, Err(StoreError::Changed));
        self.assert_empty().await;
    }

    async fn gives_back_what_was_saved(&self) {
        let mut revision = None;
        for credentials in every_shape() {
            let saved = self.save(revision.as_ref(), &credentials).await;
            self.assert_stored(&saved, &credentials).await;
            revision = Some(saved);
        }
    }

    async fn replaces(&self) {
        let (old, new) = (credentials("old"), credentials("new"));
        let first = self.save(None, &old).await;
        self.assert_stored(&first, &old).await;
        let second = self.save(Some(&first), &new).await;
        assert_ne!(first, second);
        self.assert_stored(&second, &new).await;
        // The other handle goes on from there.
        let guard = self.b.lock(HANGS).await.unwrap();
        let third = self.b.save(&guard, Some(&second), &old).await.unwrap();
        self.assert_stored(&third, &old).await;
    }

    async fn changes_only_what_was_read(&self) {
        let (old, new) = (credentials("old"), credentials("new"));
        let guard = self.guard().await;
        let gone = Revision("0".to_owned());
        assert_eq!(self.a.save(&guard, Some(&gone), &new).await, Err(StoreError::Changed));
        self.assert_empty().await;

        let first = self.a.save(&guard, None, &old).await.unwrap();
        let second = self.a.save(&guard, Some(&first), &old).await.unwrap();
        for expected in [None, Some(&first), Some(&gone)] {
            assert_eq!(self.a.save(&guard, expected, &new).await, Err(StoreError::Changed));
        }
        for expected in [&first, &gone] {
            assert_eq!(self.a.clear(&guard, expected).await, Err(StoreError::Changed));
        }
        self.assert_stored(&second, &old).await;
    }

    async fn never_repeats_a_revision(&self) {
        let guard = self.guard().await;
        let mut seen = HashSet::new();
        let mut revision = None;
        for number in 0..12 {
            let saved = self.a.save(&guard, revision.as_ref(), &credentials("same")).await.unwrap();
            assert!(seen.insert(saved.clone()), "a revision came twice");
            revision = Some(saved);
            if number % 3 == 2 {
                self.a.clear(&guard, &revision.take().unwrap()).await.unwrap();
            }
        }
    }

    async fn clears(&self) {
        let first = self.save(None, &credentials("old")).await;
        let guard = self.guard().await;
        assert_eq!(self.a.clear(&guard, &first).await, Ok(Cleared::Everything));
        self.assert_empty().await;
        assert_eq!(self.a.clear(&guard, &first).await, Err(StoreError::Changed));
        let stale = self.a.save(&guard, Some(&first), &credentials("new")).await;
        assert_eq!(stale, Err(StoreError::Changed));
        self.assert_empty().await;

        let new = credentials("new");
        let second = self.a.save(&guard, None, &new).await.unwrap();
        self.assert_stored(&second, &new).await;
    }

    async fn is_locked_by_one_at_a_time(&self, other_profile: &S) {
        let guard = self.a.lock(Duration::ZERO).await.unwrap();
        for handle in [&self.a, &self.b] {
            assert_eq!(handle.lock(Duration::ZERO).await.err(), Some(StoreError::Busy));
        }
        // Neither reading nor another profile waits for it.
        self.assert_empty().await;
        drop(other_profile.lock(Duration::ZERO).await.unwrap());

        let free = async { drop(guard) };
        let (waited, ()) = tokio::join!(self.b.lock(HANGS), free);
        let guard = waited.unwrap();
        assert_eq!(self.a.lock(Duration::ZERO).await.err(), Some(StoreError::Busy));
        drop(guard);
        drop(self.a.lock(Duration::ZERO).await.unwrap());
    }

    async fn leaves_nothing_of_a_probe(&self) {
        let guard = self.guard().await;
        self.a.probe(&guard).await.unwrap();
        self.assert_empty().await;

        let kept = credentials("kept");
        let revision = self.a.save(&guard, None, &kept).await.unwrap();
        self.a.probe(&guard).await.unwrap();
        self.assert_stored(&revision, &kept).await;
    }
}

async fn keeps_profiles_apart<S: Store>(one: &S, other: &S) {
    let (guard, others) = (one.lock(HANGS).await.unwrap(), other.lock(HANGS).await.unwrap());
    let (first, second) = (credentials("first"), credentials("second"));
    let at_first = one.save(&guard, None, &first).await.unwrap();
    assert!(other.load().await.unwrap().is_none());
    let at_second = other.save(&others, None, &second).await.unwrap();
    assert_stored(one.load().await, &at_first, &first);
    one.clear(&guard, &at_first).await.unwrap();
    assert_stored(other.load().await, &at_second, &second);
}

/// A reader takes no lock, and yet sees whole credentials, each with its own revision.
fn is_read_beside_its_writer<S: Store>(open: &(impl Fn(&str) -> S + Sync)) {
    const NAME: &str = "read-beside";
    let done = AtomicBool::new(false);
    let read = || {
        runtime().block_on(async {
            let (store, mut reads) = (open(NAME), 0);
            while !done.load(Ordering::Acquire) || reads == 0 {
                let (revision, found) = store.load().await.unwrap().expect("it is never empty");
                let email = found.user.clone().unwrap().email.unwrap();
                let mark = email.strip_suffix("@example.com").unwrap();
                assert!(same(&found, &credentials(mark)), "torn at {revision:?}");
                reads += 1;
            }
        });
    };
    let (store, writer) = (open(NAME), runtime());
    let (guard, mut revision) = writer.block_on(async {
        let guard = store.lock(HANGS).await.unwrap();
        let revision = store.save(&guard, None, &credentials("first")).await.unwrap();
        (guard, revision)
    });
    thread::scope(|scope| {
        scope.spawn(read);
        scope.spawn(read);
        // The readers end even if the writer fails.
        let _done = Done(&done);
        writer.block_on(async {
            for number in 0..REPLACED {
                // Up to tokens of 8 KiB; the sizes differ, and so does the number of items where
                // there are several.
                let credentials = credentials(&"x".repeat(1 + number * 8184 / (REPLACED - 1)));
                revision = store.save(&guard, Some(&revision), &credentials).await.unwrap();
            }
        });
    });
}

/// Sets the flag when it is dropped.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Credentials with little and with much in them.
fn every_shape() -> Vec<Credentials> {
    // Every character that a token may have (RFC 6749 appendix A.12), quotes and backslash too.
    let visible: String = (b'!'..=b'~').map(char::from).collect();
    let eight_kib = visible.repeat(88).get(..8192).unwrap_or_default().to_owned();
    let (plain, small) = (credentials("plain"), credentials("small"));
    vec![
        Credentials {
            access_token: Secret::new(eight_kib.clone()),
            refresh_token: Some(Secret::new(eight_kib)),
            ..plain.clone()
        },
        Credentials {
            identity: Identity { subject: None, organization: None, ..small.identity },
            user: None,
            refresh_token: None,
            // A clock that was never set.
            received_at: Timestamp::from_unix(-1),
            lifetime: None,
            ..small
        },
        Credentials {
            identity: Identity {
                organization: Some("org_1 \"of\" \\ äöü \u{1f511}".to_owned()),
                ..plain.identity.clone()
            },
            user: Some(User {
                id: "user-1".to_owned(),
                email: None,
                name: Some("Zoë\n\t\u{7f}\u{0}".to_owned()),
            }),
            lifetime: Some(0),
            ..plain.clone()
        },
        plain,
    ]
}
