use std::time::{Duration, Instant};

use astropass_tests::client::get;
use astropass_tests::server::{Endpoint, Fault, Options, Overrides, State, Target, What};
use http::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use serde_json::json;

use crate::{assert_error, device_request, eager, me, poll, refresh, sign_in, start, text};

#[test]
fn a_lost_reply_has_changed_the_state() {
    let server = start(Options { grace: Duration::from_secs(30), ..eager() });
    let tokens = sign_in(&server, "offline_access");
    let sent = text(&tokens, "refresh_token");
    server.fault(Fault::nth(Target::Refresh, 1, What::CutAfterProcessing));
    assert!(refresh(&server, sent).send().is_err());
    assert_eq!(server.stats().refreshes, 1);
    let again = refresh(&server, sent).send().unwrap();
    assert_eq!(again.status(), 200);
    assert_eq!(server.stats().replays, 1);
    assert!(server.issued().contains(&text(&again.json(), "refresh_token").to_owned()));
}

#[test]
fn a_cut_before_processing_has_not() {
    let server = start(eager());
    let tokens = sign_in(&server, "offline_access");
    server.fault("refresh:1:cut".parse().unwrap());
    assert!(refresh(&server, text(&tokens, "refresh_token")).send().is_err());
    assert_eq!(server.stats().refreshes, 0);
    assert_eq!(refresh(&server, text(&tokens, "refresh_token")).send().unwrap().status(), 200);
}

#[test]
fn rules_choose_by_endpoint_and_count() {
    let server = start(Options { faults: vec!["me:2:status=503,7".parse().unwrap()], ..eager() });
    let tokens = sign_in(&server, "");
    let statuses: Vec<_> = (0..3).map(|_| me(&server, text(&tokens, "access_token"))).collect();
    let codes: Vec<_> = statuses.iter().map(|reply| reply.status().as_u16()).collect();
    assert_eq!(codes, [200, 503, 200]);
    assert_eq!(statuses[1].header(&RETRY_AFTER), Some("7"));

    server.fault("me:+2:html=502".parse().unwrap());
    let page = me(&server, text(&tokens, "access_token"));
    assert_eq!(page.header(&CONTENT_TYPE), Some("text/html; charset=utf-8"));
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 502);
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 200);

    server.fault("me:*:status=500".parse().unwrap());
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 500);
    server.clear_faults();
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 200);
    assert_eq!(server.stats().requests[&Endpoint::Me], 8);
    assert_eq!(server.events().iter().filter(|event| event.fault).count(), 4);
}

#[test]
fn an_unearned_slow_down_must_be_kept_to() {
    let server = start(eager());
    let device = device_request(&server, "").send().unwrap().json();
    let code = text(&device, "device_code");
    server.fault("poll:1:slow-down".parse().unwrap());
    assert_error(poll(&server, code), 400, "slow_down");
    server.advance(Duration::from_secs(4));
    assert_error(poll(&server, code), 400, "slow_down");
    server.advance(Duration::from_secs(10));
    assert_error(poll(&server, code), 400, "authorization_pending");
}

#[test]
fn bodies_redirects_and_dates_are_as_told() {
    let server = start(eager());
    let url = format!("{}/jwks", server.url());
    let with = |fault: &str| {
        server.clear_faults();
        server.fault(fault.parse().unwrap());
        get(&url).send().unwrap()
    };
    let raw = with("jwks:1:body=200,text/plain,a:b,c");
    assert_eq!((raw.header(&CONTENT_TYPE), raw.text().as_str()), (Some("text/plain"), "a:b,c"));
    let moved = with("jwks:1:redirect=http://127.0.0.1:1/x");
    assert_eq!(moved.header(&LOCATION), Some("http://127.0.0.1:1/x"));
    assert!(with("jwks:1:slow-bytes=0.0001").json()["keys"].is_array());
    let date = |reply: &astropass_tests::client::Reply| {
        httpdate::parse_http_date(reply.header(&DATE).unwrap()).unwrap()
    };
    let late = date(&with("jwks:1:date=-3600"));
    let behind = date(&get(&url).send().unwrap()).duration_since(late).unwrap();
    assert_eq!(behind.as_secs(), 3600);
}

#[test]
fn a_delay_holds_back_the_answer_and_not_the_deed() {
    let server = start(eager());
    let tokens = sign_in(&server, "");
    server.fault("me:1:delay=0.2".parse().unwrap());
    let began = Instant::now();
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 200);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_hanging_server_still_stops() {
    let server = start(eager());
    server.fault("jwks:1:hang".parse().unwrap());
    let url = format!("{}/jwks", server.url());
    let waiting = std::thread::spawn(move || get(&url).send().is_err());
    while server.events().is_empty() {
        assert!(!waiting.is_finished(), "it was not held");
        std::thread::yield_now();
    }
    drop(server);
    assert!(waiting.join().unwrap(), "the connection ends with the server");
}

#[test]
fn an_endless_body_does_not_end() {
    let server = start(eager());
    server.fault("jwks:1:endless".parse().unwrap());
    // The client gives up at its own limit.
    let error = get(&format!("{}/jwks", server.url())).send().unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
}

#[test]
fn what_is_no_fault_is_refused() {
    for text in ["", "me", "me:1", "me:x:hang", "nowhere:1:hang", "me:1:status=99", "me:1:delay=x"]
    {
        assert!(text.parse::<Fault>().is_err(), "{text}");
    }
}

#[test]
fn overrides_put_in_and_take_out() {
    let mut token_response = Overrides::new();
    token_response.insert("expires_in".to_owned(), json!(null));
    token_response.insert("token_type".to_owned(), json!("mac"));
    let server = start(Options { token_response, opaque_access_tokens: true, ..eager() });
    let tokens = sign_in(&server, "");
    assert!(tokens.get("expires_in").is_none());
    assert_eq!(tokens["token_type"], "mac");
    assert!(!text(&tokens, "access_token").contains('.'), "not a JWT");
    assert_eq!(me(&server, text(&tokens, "access_token")).status(), 200);
}

#[test]
fn without_sockets_it_is_a_function_of_request_and_time() {
    let mut state = State::new(eager(), "http://127.0.0.1:1").unwrap();
    let request = http::Request::post("/device_authorization")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("client_id=client_test".into())
        .unwrap();
    let answer = state.handle(&request, Duration::from_secs(1_000_000_000));
    assert_eq!(answer.response.status(), 200);
    assert_eq!(answer.response.headers()[DATE], "Sun, 09 Sep 2001 01:46:40 GMT");
}
