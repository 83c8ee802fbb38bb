//! What `native/STORAGE.md` says, against programs of other versions: what each release has stored is
//! read, and goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use astropass::{
    Credentials, Dialect, Encoding, Identity, Items, Named, Profile, Secret, StoreChoice,
    StoreError, StoreKind, Timestamp, User,
};
use astropass_core::Store;
use astropass_tests::store_suite::{credentials, same};
use serde_json::{Value, json};

use crate::home::{LONG, TestHome, block_on, save};
use crate::items::Memory;

/// The folder of each release.
fn releases() -> Vec<PathBuf> {
    let stored = concat!(env!("CARGO_MANIFEST_DIR"), "/stored");
    let mut releases: Vec<_> =
        fs::read_dir(stored).unwrap().map(|entry| entry.unwrap().path()).collect();
    releases.sort();
    assert!(!releases.is_empty());
    releases
}

/// What every release has stored in the profile `default`.
fn stored() -> Credentials {
    Credentials {
        identity: Identity {
            issuer: "https://api.workos.com".to_owned(),
            client_id: "client_1".to_owned(),
            subject: Some("user_1".to_owned()),
            organization: Some("org_1".to_owned()),
        },
        user: Some(User {
            id: "user_1".to_owned(),
            email: Some("ada@example.com".to_owned()),
            name: Some("Ada Lovelace".to_owned()),
        }),
        access_token: Secret::new("access-stored".to_owned()),
        refresh_token: Some(Secret::new("refresh-stored".to_owned())),
        received_at: Timestamp::from_unix(1_800_000_000),
        lifetime: Some(300),
        login: None,
    }
}

/// A home as `release` left it, with its tokens in the file or in a keyring.
fn left_by(release: &Path, kind: StoreKind) -> (TestHome, Memory) {
    let read = |name| fs::read_to_string(release.join(name)).unwrap();
    let (file, items) = match kind {
        StoreKind::File => (read("file.json"), "{}".to_owned()),
        StoreKind::Keyring => (read("keyring.json"), read("keyring-items.json")),
    };
    let memory = Memory::limited();
    let items: BTreeMap<String, String> = serde_json::from_str(&items).unwrap();
    for (name, secret) in items {
        memory.write(&name, secret.as_bytes()).unwrap();
    }
    (TestHome::with_file(&file), memory)
}

#[test]
fn every_release_is_read() {
    for release in releases() {
        for kind in [StoreKind::File, StoreKind::Keyring] {
            let (home, items) = left_by(&release, kind);
            let store = home.store(items.clone(), StoreChoice::Auto);
            let (_, found) = block_on(store.load()).unwrap().unwrap();
            assert!(same(&found, &stored()), "{}: {kind}", release.display());

            assert_eq!(home.home.current("ast").unwrap().as_deref(), Some("default"));
            let profiles = home.home.profiles().unwrap();
            let [default, signed_out] = &profiles[..] else { panic!("{profiles:?}") };
            assert_eq!((default.store, signed_out.store), (Some(kind), None));
            assert_eq!(default.server.as_ref().unwrap().as_str(), "https://api.example/");
            assert_eq!(default.ca_file, Some("/etc/ssl/own.pem".into()));
            assert_eq!(default.account().unwrap().id, "acct_2");
            assert_eq!(default.expires_at, Some(Timestamp::from_unix(1_800_000_300)));
            let provider = default.provider.as_ref().unwrap();
            assert_eq!(provider.dialect, Dialect::WorkOs(Encoding::Json));
            assert_eq!(signed_out.provider.as_ref().unwrap().scopes, ["openid", "offline_access"]);
            assert!(signed_out.endpoints.revocation.is_some());

            // It goes on from there, and leaves nothing behind.
            let revision = block_on(save(&store, &credentials("new"))).unwrap();
            let kept = if kind == StoreKind::Keyring { 1 } else { 0 };
            assert_eq!(items.names().len(), kept, "{:?}", items.names());
            assert_eq!(home.json().get("sweep"), None);
            assert_eq!(home.json()["profiles"]["default"]["revision"], revision.0);
            assert_eq!(home.notices(), []);
        }
    }
}

/// Of the cloud, of Software, and of a provider that names nobody: read, and written as they were.
#[test]
fn every_release_s_sessions_of_other_systems_are_read() {
    for release in releases() {
        let text = fs::read_to_string(release.join("systems.json")).unwrap();
        let home = TestHome::with_file(&text);
        let profile = |name| home.home.profile(name).unwrap().unwrap();
        let [cloud, software, plain] = ["astronomer.io", "software.example", "plain"].map(profile);
        let dialect = |profile: &Profile| profile.provider.as_ref().unwrap().dialect;
        assert_eq!(
            [&cloud, &software, &plain].map(dialect),
            [Dialect::Astro, Dialect::Software, Dialect::Standard]
        );
        let name = |named: &Option<Named>| named.as_ref().map(|named| named.name.clone());
        assert_eq!(name(&cloud.organization).as_deref(), Some("Analytical Engines"));
        assert_eq!(name(&software.workspace).as_deref(), Some("Production"));
        assert_eq!(cloud.email.as_deref(), Some("ada@example.com"));
        let redirect_uri = plain.redirect_uri.as_ref().unwrap().as_str();
        assert_eq!(redirect_uri, "http://localhost:12345/callback");
        assert_eq!(home.home.current("astro").unwrap().as_deref(), Some("astronomer.io"));

        for (name, has_refresh_token) in
            [("astronomer.io", true), ("software.example", false), ("plain", true)]
        {
            let store = home.store_of(name, Memory::default(), StoreChoice::File);
            let (_, found) = block_on(store.load()).unwrap().unwrap();
            assert_eq!(found.access_token.expose_secret(), "access-stored");
            assert_eq!(found.refresh_token.is_some(), has_refresh_token, "{name}");
            let login = found.login.as_deref();
            assert_eq!(login.is_some(), name == "plain", "{name}");
        }
        let (user, organization) = (cloud.identity.unwrap(), cloud.organization.as_ref());
        let workspace = cloud.workspace.as_ref();
        home.home.set_workspace("astronomer.io", &user, organization, workspace).unwrap();
        assert_eq!(home.text(), text);
    }
}

/// This version stores what the last release has stored, to the byte. A change of the form that is
/// meant comes with a folder of its own.
#[test]
fn written_as_in_the_last_release() {
    let release = releases().pop().unwrap();
    let (home, _) = left_by(&release, StoreKind::File);
    let before = home.text();
    let revision = block_on(save(&home.file_store(), &stored())).unwrap();
    let replaced = home.text().replace(&revision.0, "8dcd0fc4c6c6fc2e629c966ade4e490c");
    assert_eq!(replaced, before);

    let (home, items) = left_by(&release, StoreKind::Keyring);
    let mut before = home.json();
    let store = home.store(items.clone(), StoreChoice::Auto);
    let revision = block_on(save(&store, &stored())).unwrap();
    let text = items.read(&format!("default/{}/0", revision.0)).unwrap().unwrap();
    let (_, all) = left_by(&release, StoreKind::Keyring);
    let item = |n| {
        let name = format!("default/1b2f6e0d5c4b3a29180716253443526f/{n}");
        all.read(&name).unwrap().unwrap().to_vec()
    };
    assert!(*text == [item(0), item(1)].concat(), "the tokens are stored in another form");
    before["profiles"]["default"]["revision"] = json!(revision.0);
    before["profiles"]["default"]["items"] = json!(1);
    before.as_object_mut().unwrap().remove("sweep");
    assert_eq!(home.json(), before);
}

/// A newer program that adds to the file, and an older one that was killed while it wrote.
#[test]
fn another_version_writes_beside_this_one() {
    let (home, items) = left_by(&releases()[0], StoreKind::Keyring);
    let store = home.store(items.clone(), StoreChoice::Auto);
    let (seen, _) = block_on(store.load()).unwrap().unwrap();

    // Its steps 1 to 3: a session of one item, with a field that this version does not know.
    let new = "0f".repeat(16);
    let mut file = home.json();
    let tokens = r#"{"version":1,"access_token":"access-Y2FuYXJ5-theirs","refresh_token":"refresh-Y2FuYXJ5-theirs","scope":"a"}"#;
    items.write(&format!("default/{new}/0"), tokens.as_bytes()).unwrap();
    let sweep = file["sweep"].as_array_mut().unwrap();
    sweep.push(json!({"profile": "default", "revision": seen.0, "items": 2, "why": "replaced"}));
    let profile = &mut file["profiles"]["default"];
    profile["revision"] = json!(new);
    profile["items"] = json!(1);
    profile["sha256"] = json!(sha256(tokens));
    profile["bound_to"] = json!({"key": "k1"});
    file["news"] = json!(true);
    home.write(&file.to_string());

    assert_eq!(block_on(store.revision()).unwrap().unwrap().0, new);
    let (revision, found) = block_on(store.load()).unwrap().unwrap();
    assert_eq!(found.access_token.expose_secret(), "access-Y2FuYXJ5-theirs");
    // What was read before is no ground to write on.
    let guard = block_on(store.lock(LONG)).unwrap();
    let late = block_on(store.save(&guard, Some(&seen), &credentials("late")));
    assert_eq!(late, Err(StoreError::Changed));
    block_on(store.save(&guard, Some(&revision), &credentials("next"))).unwrap();
    assert_eq!(items.names().len(), 1, "step 4 of both is done: {:?}", items.names());
    let file = home.json();
    assert_eq!(file.get("sweep"), None);
    assert_eq!(
        (&file["news"], &file["profiles"]["default"]["bound_to"]["key"]),
        (&Value::Bool(true), &json!("k1"))
    );
}

fn sha256(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
