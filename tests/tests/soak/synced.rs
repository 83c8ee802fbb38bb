//! What a power cut leaves is what was synced: each file before its name, and each name in its
//! folder before anybody is told.

use astropass_tests::sandbox::{Bus, Daemon, inside};

use crate::ast::OfAst;
use crate::kept::Place;
use crate::terminal::Terminal;
use crate::work::Work;

/// Name and object of each system call that changes something.
type Calls<'a> = [(&'a str, &'a str)];

#[test]
fn synced_before_it_is_told_with_a_file() {
    synced_before_it_is_told(Place::File);
}

#[test]
fn synced_before_it_is_told_with_a_keyring() {
    inside("synced::synced_before_it_is_told_with_a_keyring", Bus::Empty, || {
        let _daemon = Daemon::unlocked();
        synced_before_it_is_told(Place::Keyring);
    });
}

fn synced_before_it_is_told(place: Place) {
    let terminal = Terminal::new(place, "default".to_owned(), 30);
    let folder = terminal.kept.folder().display().to_string();
    for work in OfAst::ALL {
        let _ = work.prepare(&terminal);
        let traced = work.command(&terminal).traced(|_| true, None);
        assert_eq!(traced.code, Some(0), "{work:?}");
        let calls: Vec<_> =
            traced.calls.iter().map(|call| (call.name, call.what.as_str())).collect();
        let stored = stored(&calls, &folder);
        assert!(!stored.is_empty(), "{work:?}");
        if *work == OfAst::FirstLogin {
            let made = calls.iter().position(|call| *call == ("mkdir", &*folder)).unwrap();
            let parent = terminal.world.home.path().display().to_string();
            assert_eq!(calls[made + 1], ("sync", &*parent), "{calls:?}");
        }
        told_after(*work, &calls, &stored);
        if place == Place::Keyring {
            items_between(*work, &calls, &stored);
        }
    }
}

/// Where `credentials.json` was replaced for good: what was written is synced before its name is,
/// and that at once.
fn stored(calls: &Calls<'_>, folder: &str) -> Vec<usize> {
    let file = format!("{folder}/credentials.json");
    let renames = calls.iter().enumerate().filter(|(_, call)| **call == ("rename", &*file));
    let synced = renames.map(|(at, _)| {
        // Its writer holds the file lock, but others of its threads may do something else.
        let of_folder: Vec<_> =
            calls[..at].iter().filter(|call| call.1.starts_with(folder)).collect();
        // A probe has made room, and gives it back: what remains is synced.
        let of_folder = match of_folder[..] {
            [ref before @ .., ("truncate", _)] => before.to_vec(),
            _ => of_folder,
        };
        let [.., written, synced] = of_folder[..] else { panic!("{calls:?}") };
        assert!(written.0 == "write" && *synced == ("sync", written.1), "{calls:?}");
        let after = calls[at..].iter().position(|call| call.1 == folder).map(|after| at + after);
        assert!(after.is_some_and(|after| calls[after].0 == "sync"), "{calls:?}");
        after.unwrap()
    });
    synced.collect()
}

/// Nobody is told of what is not stored yet: neither who started it nor the user's browser.
fn told_after(work: OfAst, calls: &Calls<'_>, stored: &[usize]) {
    let mut printed: Vec<_> =
        (0..calls.len()).filter(|at| calls[*at] == ("write", "/dev/null")).collect();
    let is_login = matches!(work, OfAst::FirstLogin | OfAst::Login | OfAst::BrowserLogin);
    if is_login {
        // The prompt, before there is anything to store.
        printed.remove(0);
    }
    let last = stored.last().unwrap();
    assert!(printed.first().is_some_and(|told| last < told), "{work:?}: {calls:?}");
    if work == OfAst::BrowserLogin {
        let nth = |begin: &str| calls.iter().position(|call| call.1.starts_with(begin)).unwrap();
        let (asked, answered) = (nth("POST /user_management/authenticate"), nth("HTTP/1.1 200"));
        let saved = *stored.iter().find(|saved| **saved > asked).unwrap();
        assert!(saved < answered, "the browser is told too early: {calls:?}");
    }
}

/// Items are made once they are listed, and deleted once nothing refers to them.
fn items_between(work: OfAst, calls: &Calls<'_>, stored: &[usize]) {
    let all = |member: &str| -> Vec<usize> {
        let sent = |at: &usize| calls[*at].0 == "send" && calls[*at].1.contains(member);
        (0..calls.len()).filter(sent).collect()
    };
    let (made, deleted) = (all("CreateItem"), all("Delete"));
    assert_eq!(made.is_empty(), matches!(work, OfAst::Logout | OfAst::Profile), "{calls:?}");
    assert_eq!(deleted.is_empty(), work == OfAst::Profile, "{calls:?}");
    for made in made {
        let surrounded = stored[0] < made && made < *stored.last().unwrap();
        assert!(surrounded, "an item that no file lists: {calls:?}");
    }
    for deleted in deleted {
        let listed = stored.iter().filter(|stored| **stored < deleted).count();
        // Then it is unlisted.
        assert!(0 < listed && listed < stored.len(), "an item that a file needs: {calls:?}");
    }
}
