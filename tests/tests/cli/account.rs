//! `ast account`.

use astropass_tests::server::{Approval, Endpoint, Fault, Options, What};
use serde_json::json;

use super::{World, eager};

#[test]
fn account_list_marks_the_current_one() {
    let world = World::signed_in();
    let output = world.ast("account list").run();
    let expected = "\
* Ada Lovelace             personal      owner    acct_ada
  Analytical Engines       organization  admin    acct_engines
  Navy Computing           organization  member   acct_navy
";
    assert_eq!(output.ok(), expected);

    let output = world.ast("account list --json").run();
    let [personal, engines, _] = &output.json()[..] else { panic!("{output}") };
    assert_eq!((&personal["current"], &engines["current"]), (&json!(true), &json!(false)));
    assert_eq!(engines["organization"], "org_engines");
}

#[test]
fn account_use_switches_by_name_and_by_each_id() {
    let world = World::signed_in();
    let names = [("Navy Computing", "org_navy"), ("acct_engines", "org_engines")];
    let names = [("analytical ENGINES", "org_engines")].into_iter().chain(names);
    for (name, organization) in names.chain([("org_navy", "org_navy")]) {
        let output = world.ast("account use").args([name]).run();
        assert_eq!(output.ok(), "");
        assert!(output.stderr.starts_with("✓ Using account \""), "{output}");
        let whoami = world.ast("whoami --json").run();
        assert_eq!(whoami.json()[0]["account"]["organization"], organization);
    }
    // The new token is for it, and so is every one after a refresh.
    let projects = || world.ast("api /api/v1/projects").run();
    assert!(projects().ok().contains("Compiler"));
    world.home.age("default", 301);
    assert!(projects().ok().contains("Compiler"));
    assert!(world.ast("account list").run().ok().contains("* Navy Computing"));
}

#[test]
fn account_use_of_an_unknown_name_is_refused_with_what_to_do() {
    let world = World::signed_in();
    let before = world.home.credentials();
    let output = world.ast("account use Nobody").run();
    let expected = "Error: There is no account \"Nobody\". Run 'ast account list' to see them.";
    assert_eq!(output.failed(2), expected);
    assert_eq!(world.home.credentials(), before);
    assert_eq!(world.refreshes(), 0);
}

const ADA_IS_NO_ORGANIZATION: &str = "'ast account use' is for organizations, and \"Ada Lovelace\" is none. To use another account, run 'ast login' and choose it there.";

#[test]
fn account_list_says_which_of_the_accounts_account_use_refuses() {
    let world = World::signed_in();
    assert_eq!(world.ast("account list").run().stderr, "", "the current one need not be chosen");
    world.ast("account use acct_ada").run().ok();
    assert_eq!(world.refreshes(), 0);
    world.ast("account use acct_navy").run().ok();
    let listed = world.ast("account list").run();
    listed.ok();
    assert_eq!(listed.stderr.trim_end(), ADA_IS_NO_ORGANIZATION);
    let refused = world.ast("account use acct_ada").run();
    assert_eq!(refused.failed(2), format!("Error: {ADA_IS_NO_ORGANIZATION}"));
    assert_eq!(world.ast("account list --json").run().stderr, "");
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn account_list_of_a_provider_without_organizations_says_what_account_use_says() {
    let world = World::new(Options { auto_approve: Some(Approval::default()), ..eager() });
    let url = world.server.url();
    let standard = "--profile standard --client-id client_test";
    let login = format!("login --no-browser {standard} --issuer {url} --server {url}");
    world.ast(&login).run().ok();
    let expected = format!(
        "{url} has no organizations that a session can be switched to. To use another account, run 'ast login --profile standard' and choose it there."
    );
    let listed = world.ast("account list --profile standard").run();
    assert_eq!((listed.ok().lines().count(), listed.stderr.trim_end()), (3, expected.as_str()));
    let refused = world.ast("account use acct_navy --profile standard").run();
    assert_eq!(refused.failed(2), format!("Error: {expected}"));
}

#[test]
fn account_use_that_the_server_refuses_leaves_the_session_as_it_was() {
    let world = World::signed_in();
    let before = world.profile()["tokens"].clone();
    // A member according to the API server, and none according to the provider.
    let accounts = r#"{"accounts":[{"id":"acct_army","name":"Army Computing",
        "type":"organization","role":"member","workos_org_id":"org_army"}]}"#;
    world.server.fault(format!("me:*:body=200,application/json,{accounts}").parse().unwrap());
    let output = world.ast("account use acct_army").run();
    let error = output.failed(1);
    assert!(error.contains("not a member of this organization"), "{error}");
    assert!(error.contains("Ask who administers it"), "{error}");
    assert_eq!(world.profile()["tokens"], before);
    world.server.clear_faults();
    world.ast("api /api/v1/me").run().ok();
}

#[test]
fn account_list_of_a_server_that_answers_nonsense_exits_with_6() {
    let world = World::signed_in();
    for fault in ["status=503", "html=200", "body=200,application/json,[]"] {
        world.server.clear_faults();
        world.server.fault(format!("me:*:{fault}").parse().unwrap());
        let output = world.ast("account list").run();
        assert!(output.failed(6).starts_with("Error: "), "{output}");
    }
    assert_eq!(world.requests(Endpoint::Token).len(), 1, "the login's");
}

#[test]
fn a_list_of_accounts_without_measure_is_not_stored() {
    let world = World::signed_in();
    let before = world.home.credentials();
    let account = r#"{"id":"acct_ada","name":"Ada Lovelace"},"#;
    let body = [r#"{"accounts":["#, &account.repeat(500_000), r#"{}]}"#].concat().into_bytes();
    let what = What::RawBody { status: 200, content_type: "application/json".to_owned(), body };
    world.server.fault(Fault::every(Endpoint::Me, what));
    let output = world.ast("account list").run();
    assert!(output.failed(6).contains("more than 1 MiB"), "{output}");
    assert_eq!(world.home.credentials(), before);
}

#[test]
fn a_provider_without_organizations_is_not_asked_to_switch() {
    let world = World::new(eager());
    let issuer = world.server.issuer();
    let login = format!("login --client-id client_test --issuer {issuer} --organization org_navy");
    let output = world.home.ast(&login).run();
    let error = output.failed(2);
    assert!(error.ends_with("can be switched to. Leave out --organization."), "{output}");
    assert_eq!(world.server.stats().device_codes, 0);
}
