//! How a login ends without a browser, and that its port is free then.

use std::net::TcpListener;

use astropass::{BrowserLogin, Error};
use tokio::time::{Duration, Instant};

use crate::world::{World, status};

#[track_caller]
fn assert_free(authority: &str) {
    TcpListener::bind(authority).expect("the port is free");
}

#[tokio::test]
async fn nobody_came_in_five_minutes() {
    let world = World::new();
    let login = world.begin().await;
    tokio::time::pause();
    let began = Instant::now();
    assert_eq!(login.prompt.expires_in, BrowserLogin::WAIT);
    let authority = login.authority().to_owned();
    assert_eq!(login.end().await.unwrap_err(), Error::LoginExpired);
    let waited = began.elapsed();
    assert!((Duration::from_secs(295)..Duration::from_secs(301)).contains(&waited), "{waited:?}");
    assert_free(&authority);
}

#[tokio::test]
async fn a_login_that_is_given_up_frees_its_port() {
    let world = World::new();
    let login = world.begin().await;
    let authority = login.authority().to_owned();
    let _half_open = login.connect().await;
    login.login.abort();
    assert!(login.login.await.unwrap_err().is_cancelled());
    assert_free(&authority);
    assert!(!world.is_stored());
}

#[tokio::test]
async fn it_closes_after_one_login() {
    let world = World::new();
    let login = world.begin().await;
    let authority = login.authority().to_owned();
    let answer = login.visit(&login.callback()).await;
    assert_eq!(status(&answer), 200);
    login.end().await.unwrap();
    tokio::net::TcpStream::connect(&authority).await.unwrap_err();
}

#[tokio::test]
async fn what_is_pasted_counts_like_a_visit() {
    let world = World::new();
    let mut login = world.begin().await;
    let url = login.callback();
    let (_, query) = url.split_once('?').unwrap();
    for (wrong, problem) in [
        ("what?".to_owned(), "it is not the URL that this login waits for"),
        (
            format!("http://127.0.0.1:1/callback?{query}"),
            "it is not the URL that this login waits for",
        ),
        (login.prompt.authorization_url.to_string(), "it is not the URL that this login waits for"),
        (login.prompt.redirect_uri.clone(), "it has no state"),
        (login.callback_with("state", "x"), "its state is another login's"),
        (format!("{url}&state=x"), "it has a parameter twice"),
    ] {
        login.paste.send(wrong.clone()).unwrap();
        let refused = login.refused.recv().await;
        assert_eq!(refused, Some(Error::InvalidCallback(problem)), "{wrong}");
    }
    assert!(!login.login.is_finished());
    login.paste.send(format!("  {url}#\n")).unwrap();
    let credentials = login.end().await.unwrap();
    assert_eq!(credentials.user.as_ref().unwrap().email.as_deref(), Some("ada@example.com"));
    assert!(world.is_stored());
}

#[tokio::test]
async fn a_paste_of_a_denial_ends_the_login() {
    let world = World::new();
    let login = world.begin().await;
    let url = login.callback_with("code", "&error=access_denied");
    login.paste.send(url).unwrap();
    assert!(matches!(login.end().await, Err(Error::AccessDenied(_))));
}
