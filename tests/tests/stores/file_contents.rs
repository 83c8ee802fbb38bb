//! What `credentials.json` can say: less than it should, more than this version knows, and what
//! the older client wrote.

use std::fs;

use astropass::{Account, Notice, StoreChoice, StoreError, StoreKind};
use astropass_core::{Credentials, Identity, Store};
use astropass_tests::store_suite::{assert_stored, credentials, same};
use serde_json::json;

use crate::home::{LONG, TestHome, save};
use crate::items::{Meddled, Memory};

/// Reading says so and changes nothing; the next write keeps the file under another name.
#[tokio::test]
async fn corrupt() {
    let valid = {
        let home = TestHome::new();
        save(&home.file_store(), &credentials("lost")).await.unwrap();
        home.text()
    };
    let half = valid.get(..valid.len() / 2).unwrap();
    let texts = [
        "",
        " \n",
        half,
        "[]",
        "null",
        "{}",
        r#"{"version":1}"#,
        r#"{"version":"x","profiles":{}}"#,
    ];
    for text in texts {
        let home = TestHome::with_file(text);
        let store = home.file_store();
        assert_corrupt(store.revision().await);
        assert_corrupt(store.load().await.map(drop));
        assert_corrupt(store.kind());
        assert_corrupt(home.home.profiles().map(drop));
        let guard = store.lock(LONG).await.unwrap();
        assert_corrupt(store.probe(&guard).await);
        let read_before = astropass_core::Revision("0".to_owned());
        assert_corrupt(store.save(&guard, Some(&read_before), &credentials("new")).await);
        assert_corrupt(store.clear(&guard, &read_before).await);
        assert_eq!((home.text().as_str(), home.names().len()), (text, 1), "reading changed it");
        assert_eq!(home.notices(), []);
        drop(guard);

        home.home.set_current("ast", Some("default")).unwrap();
        let kept_as = home.kept("corrupt");
        assert_eq!(fs::read_to_string(&kept_as).unwrap(), text);
        assert_eq!(home.notices(), [Notice::SetAside { kept_as }]);
        assert_eq!(store.revision().await, Ok(None));
        save(&store, &credentials("new")).await.unwrap();
    }
}

#[track_caller]
fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Corrupt(text)) => assert!(text.contains("credentials.json"), "{text}"),
        other => panic!("not corrupt but {other:?}"),
    }
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let home = TestHome::new();
    let store = home.file_store();
    save(&store, &credentials("kept")).await.unwrap();
    let before = home.text();
    let mut account = Account::list(br#"{"accounts":[{"id":"a","name":"b"}]}"#).unwrap();
    account[0].name = "long ".repeat(4 << 20);
    let user = credentials("kept").identity;
    let written = home.home.set_accounts("default", &user, &account);
    assert!(
        matches!(&written, Err(StoreError::TooLarge(text)) if text.contains("remove profiles"))
    );
    assert_eq!((home.text(), home.names().len()), (before, 1));
}

#[tokio::test]
async fn far_too_large() {
    let home = TestHome::with_file("{}");
    fs::File::options().write(true).open(home.file()).unwrap().set_len(1 << 30).unwrap();
    assert_corrupt(home.file_store().load().await.map(drop));
    home.home.set_current("ast", Some("default")).unwrap();
    assert_eq!(fs::metadata(home.kept("corrupt")).unwrap().len(), 1 << 30);
}

/// Each file that is set aside gets a name of its own, also within a second.
#[test]
fn corrupt_twice() {
    let home = TestHome::with_file("once");
    home.home.set_current("ast", None).unwrap();
    home.write("twice");
    home.home.set_current("ast", None).unwrap();
    let kept: Vec<_> = home
        .notices()
        .into_iter()
        .map(|notice| match notice {
            Notice::SetAside { kept_as } => fs::read_to_string(kept_as).unwrap(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(kept, ["once", "twice"]);
}

/// One profile that makes no sense keeps no other from being used.
#[tokio::test]
async fn corrupt_profile() {
    let home = TestHome::new();
    let revision = save(&home.file_store(), &credentials("kept")).await.unwrap();
    let mut file = home.json();
    let entries = [
        json!(null),
        json!("text"),
        json!({"revision": "1"}),
        json!({"revision": "1", "store": "cloud"}),
        json!({"revision": "1", "store": "file"}),
        json!({"revision": "1", "store": "file", "tokens": {"version": 1, "access_token": "a"}}),
        json!({"revision": "1", "store": "keyring", "items": -1, "sha256": ""}),
    ];
    for (n, entry) in entries.into_iter().enumerate() {
        file["profiles"][format!("broken-{n}")] = entry;
    }
    home.write(&file.to_string());
    assert_stored(home.file_store().load().await, &revision, &credentials("kept"));
    for n in 0..7 {
        let store = home.store_of(&format!("broken-{n}"), Memory::default(), StoreChoice::File);
        match store.load().await {
            Ok(None) if n < 2 => {}
            Err(StoreError::Corrupt(_)) if n >= 2 => {}
            other => panic!("broken-{n}: {other:?}"),
        }
        // A new login replaces it.
        save(&store, &credentials("new")).await.unwrap();
        assert!(same(&store.load().await.unwrap().unwrap().1, &credentials("new")));
    }
    assert_stored(home.file_store().load().await, &revision, &credentials("kept"));
}

#[tokio::test]
async fn newer() {
    let text = r#"{"version": 2, "profiles": {"default": {"revision": "1"}}}"#;
    let home = TestHome::with_file(text);
    let store = home.file_store();
    let guard = store.lock(LONG).await.unwrap();
    let results = [
        store.revision().await.map(drop),
        store.load().await.map(drop),
        store.probe(&guard).await,
        store.save(&guard, None, &credentials("new")).await.map(drop),
        store.clear(&guard, &astropass_core::Revision("1".to_owned())).await.map(drop),
        home.home.set_current("ast", Some("default")),
        home.home.remove("default"),
    ];
    for result in results {
        match result {
            Err(StoreError::Newer(text)) => assert!(text.contains("use the newer"), "{text}"),
            other => panic!("not newer but {other:?}"),
        }
    }
    assert_eq!((home.text().as_str(), home.names().len()), (text, 1));
    assert_eq!(home.notices(), []);
}

const OLDER_CLIENT: &str = r#"{
  "profiles": {
    "default": {
      "expires_at": "2026-11-22T12:00:00Z",
      "user": {"id": "user_1", "email": "ada@example.com", "first_name": "Ada", "last_name": "L",
               "account_name": "Ada", "account_id": "acc_1"},
      "accounts": [{"id": "acc_1", "name": "Ada", "type": "personal", "role": "owner"}],
      "current_account": "acc_1",
      "access_token": "older-access-Y2FuYXJ5", "refresh_token": "older-refresh-Y2FuYXJ5"
    },
    "work": {"user": {"id": "user_2"}},
    "../../bad": {"user": {"id": "user_3"}}
  },
  "current_profile": "work"
}"#;

#[tokio::test]
async fn older_client() {
    let home = TestHome::with_file(OLDER_CLIENT);
    let unused = Meddled::new(Memory::default(), |call| panic!("{call:?} of a keyring"));
    let store = home.heard_store(unused, StoreChoice::Auto);
    assert_eq!(store.revision().await, Ok(None));
    assert!(store.load().await.unwrap().is_none());

    let kept_as = home.kept("older-client");
    assert_eq!(fs::read_to_string(&kept_as).unwrap(), OLDER_CLIENT);
    #[cfg(unix)]
    assert_eq!(mode(&kept_as), 0o600);
    let notices = home.notices();
    assert_eq!(notices, [Notice::OlderClient { kept_as }]);
    assert!(notices[0].to_string().ends_with("please sign in once again."), "{}", notices[0]);
    assert!(!home.text().contains("older-"), "the older client's tokens were taken over");

    assert_eq!(home.home.current("ast").unwrap().as_deref(), Some("work"));
    let profiles = home.home.profiles().unwrap();
    let names: Vec<_> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["default", "work"]);
    let (user, account) = (profiles[0].user.clone().unwrap(), profiles[0].accounts[0].clone());
    assert_eq!((user.id.as_str(), user.name.as_deref()), ("user_1", Some("Ada L")));
    assert_eq!((account.id.as_str(), account.kind.as_deref()), ("acc_1", Some("personal")));
    assert_eq!((profiles[0].store, &profiles[0].identity), (None, &None));

    // From now on it is ours: nothing is said or kept again.
    save(&home.file_store(), &credentials("new")).await.unwrap();
    assert_eq!(home.notices(), []);
    home.kept("older-client");
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A newer program may have written more, which an older one must not lose.
#[tokio::test]
async fn unknown_fields_survive() {
    let home = TestHome::new();
    let store = home.file_store();
    let first = save(&store, &credentials("first")).await.unwrap();
    let mut file = home.json();
    let unknown =
        json!({"z": [1, 2.5, -3, null, true, {"deep": "ö\u{1}"}], "a": 9007199254740991_u64});
    for field in ["/unknown", "/profiles/default/unknown", "/profiles/other", "/current/unknown"] {
        let (parent, name) = field.rsplit_once('/').unwrap();
        file.pointer_mut(parent).unwrap()[name] = unknown.clone();
    }
    file["sweep"] = json!([{"profile": "../bad", "revision": "1", "items": 1}, unknown]);
    home.write(&file.to_string());

    let assert_all = || {
        let file = home.json();
        assert_eq!(file["unknown"], unknown);
        assert_eq!(file["profiles"]["default"]["unknown"], unknown);
        assert_eq!(file["profiles"]["other"], unknown);
        assert_eq!(file["current"]["unknown"], unknown);
        assert_eq!(file["sweep"][1], unknown);
    };
    let guard = store.lock(LONG).await.unwrap();
    store.probe(&guard).await.unwrap();
    assert_all();
    let second = store.save(&guard, Some(&first), &credentials("second")).await.unwrap();
    assert_all();
    home.home.set_current("ast", Some("default")).unwrap();
    home.home.set_accounts("default", &credentials("second").identity, &[]).unwrap();
    assert_all();
    store.clear(&guard, &second).await.unwrap();
    assert_all();
    store.save(&guard, None, &credentials("third")).await.unwrap();
    assert_all();
}

/// One user's accounts are not the next one's.
#[tokio::test]
async fn accounts_are_their_users() {
    let home = TestHome::new();
    let store = home.file_store();
    save(&store, &credentials("one")).await.unwrap();
    let body = br#"{"accounts":[{"id":"acc_1","name":"Ada","type":"personal"}]}"#;
    let one = credentials("one");
    let list = Account::list(body).unwrap();
    home.home.set_accounts("default", &one.identity, &list).unwrap();
    let accounts = || home.home.profile("default").unwrap().unwrap().accounts.len();
    save(&store, &credentials("refreshed")).await.unwrap();
    assert_eq!(accounts(), 1);
    for other in [
        Identity { subject: Some("user-2".to_owned()), ..one.identity.clone() },
        // The same name at another issuer is somebody else's.
        Identity { issuer: "https://other.example".to_owned(), ..one.identity.clone() },
    ] {
        save(&store, &one).await.unwrap();
        home.home.set_accounts("default", &one.identity, &list).unwrap();
        assert_eq!(accounts(), 1);
        save(&store, &Credentials { identity: other, ..one.clone() }).await.unwrap();
        // Nor those that were asked for before, and answered only now.
        let late = home.home.set_accounts("default", &one.identity, &list);
        assert_eq!((late, accounts()), (Err(StoreError::Changed), 0));
    }
}

/// Without a provider it would count as another program's.
#[test]
fn an_address_that_comes_after_its_profile_was_removed_makes_no_new_one() {
    let home = TestHome::new();
    home.home.set_email("astronomer.io", "ada@example.com").unwrap();
    assert_eq!(home.home.profiles().unwrap().len(), 0);
}

/// A signed-out profile keeps its settings and nothing of its user.
#[tokio::test]
async fn signed_out() {
    let home = TestHome::new();
    let store = home.file_store();
    let revision = save(&store, &credentials("secret")).await.unwrap();
    let mut file = home.json();
    file["profiles"]["default"]["server"] = json!("https://api.example/");
    home.write(&file.to_string());
    assert_eq!(store.kind(), Ok(Some(StoreKind::File)));
    assert_eq!(home.home.remove("default"), Err(StoreError::Changed));
    let guard = store.lock(LONG).await.unwrap();
    store.clear(&guard, &revision).await.unwrap();
    assert_eq!(store.kind(), Ok(None));
    let text = home.text();
    assert!(!text.contains("secret") && !text.contains("user-1"), "{text}");
    let profile = home.home.profile("default").unwrap().unwrap();
    assert_eq!(profile.server.unwrap().as_str(), "https://api.example/");
    home.home.remove("default").unwrap();
    assert!(home.home.profile("default").unwrap().is_none());
}
