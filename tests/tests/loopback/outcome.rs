//! What the page says, and when.

use astropass::Error;
use astropass_tests::server::Endpoint;

use crate::world::{World, status, visit};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_signed_in_when_the_tokens_are_stored_and_not_before() {
    let world = World::new();
    let login = world.begin().await;
    world.close();
    let (authority, url) = (login.authority().to_owned(), login.callback());
    let page = tokio::spawn({
        let (authority, url) = (authority.clone(), url.clone());
        async move { visit(&authority, &url).await }
    });
    world.asked().await;
    // Whoever loads the page again meanwhile waits for the same answer.
    let again = tokio::spawn(async move { visit(&authority, &url).await });
    let refused = login.visit(&login.callback_with("state", "x")).await;
    assert_eq!(status(&refused), 400, "the port answers while the code is exchanged");
    assert!(!page.is_finished() && !again.is_finished() && !world.is_stored());

    world.open();
    for page in [page.await.unwrap(), again.await.unwrap()] {
        assert_eq!(status(&page), 200, "{page}");
        assert!(page.contains("You are signed in"), "{page}");
        assert!(page.contains("Ada Lovelace (ada@example.com)"), "{page}");
        assert!(world.is_stored());
    }
    login.end().await.unwrap();
    let tokens = world.server.events().into_iter().filter(|e| e.endpoint == Endpoint::Token);
    assert_eq!(tokens.count(), 1, "the code was used once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_gives_up_leaves_the_login_to_its_end() {
    let world = World::new();
    let login = world.begin().await;
    world.close();
    let url = login.callback();
    let target = url.strip_prefix("http://").unwrap().strip_prefix(login.authority()).unwrap();
    let mut browser = login.connect().await;
    let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", login.authority());
    tokio::io::AsyncWriteExt::write_all(&mut browser, request.as_bytes()).await.unwrap();
    world.asked().await;
    drop(browser);
    world.open();
    login.end().await.unwrap();
    assert!(world.is_stored());
}

#[tokio::test]
async fn a_denial_is_shown_in_words_that_cannot_act() {
    let world = World::new();
    let login = world.begin().await;
    let evil = "%3Cscript%3Ealert(1)%3C/script%3E%26%22%27%1B%5B31m%E2%80%AE";
    let url =
        login.callback_with("code", &format!("&error=access_denied&error_description={evil}"));
    let page = login.visit(&url).await;
    assert_eq!(status(&page), 400, "{page}");
    assert!(page.contains("You are not signed in"), "{page}");
    let expected = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#39;[31m (access_denied)";
    assert!(page.contains(expected), "{page}");
    assert!(!page.contains("<script"), "{page}");
    assert!(matches!(login.end().await, Err(Error::AccessDenied(Some(_)))));
    assert!(!world.is_stored());
}

#[tokio::test]
async fn the_answer_of_another_issuer_ends_the_login_without_a_request() {
    let world = World::new();
    for (issuer, problem) in [
        ("iss=https%3A%2F%2Fevil.example&was=", "another issuer sent it"),
        ("was=", "it does not name its issuer"),
    ] {
        let login = world.begin().await;
        let page = login.visit(&login.callback().replace("iss=", issuer)).await;
        assert!(page.contains("You are not signed in") && page.contains(problem), "{page}");
        assert_eq!(login.end().await.unwrap_err(), Error::InvalidCallback(problem));
    }
    let asked = world.server.events().into_iter().any(|event| event.endpoint == Endpoint::Token);
    assert!(!asked, "the code went nowhere");
}

#[tokio::test]
async fn a_session_that_cannot_be_stored_is_not_called_signed_in() {
    let world = World::new();
    let login = world.begin().await;
    world.break_store();
    let page = login.visit(&login.callback()).await;
    assert_eq!(status(&page), 400, "{page}");
    assert!(page.contains("You are not signed in"), "{page}");
    assert!(matches!(login.end().await, Err(Error::Store(_))));
}

#[tokio::test]
async fn a_code_that_the_server_refuses_is_shown_as_that() {
    let world = World::new();
    let login = world.begin().await;
    let page = login.visit(&login.callback_with("code", "spent")).await;
    assert!(page.contains("You are not signed in") && page.contains("invalid_grant"), "{page}");
    assert!(
        matches!(login.end().await, Err(Error::Server(error)) if error.code == "invalid_grant")
    );
}

#[tokio::test]
async fn no_page_is_kept_framed_or_told_to_others() {
    let world = World::new();
    let login = world.begin().await;
    let redirect_uri = login.prompt.redirect_uri.clone();
    let stray = login.visit(&format!("{redirect_uri}?state=x")).await;
    let missing = login.visit(&format!("{redirect_uri}/favicon.ico")).await;
    let signed_in = login.visit(&login.callback()).await;
    for page in [&stray, &missing, &signed_in] {
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        let head = format!("{}\r\n", head.to_ascii_lowercase());
        for field in [
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "connection: close",
        ] {
            assert!(head.contains(&format!("{field}\r\n")), "{field} in {head}");
        }
        let policy = head.split_once("content-security-policy: ").unwrap().1;
        let policy = policy.split_once("\r\n").unwrap().0;
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let nonce = policy.split_once("'nonce-").unwrap().1.split_once('\'').unwrap().0;
        let is_styled = body.contains(&format!("<style nonce=\"{nonce}\">"));
        assert!(is_styled || body.is_empty(), "{body}");
        let links = ["href=\"", "href=\"data:"].map(|link| body.matches(link).count());
        assert_eq!(links[0], links[1], "it is whole in itself: {body}");
        assert!(!body.contains("<script") && !body.contains("src="), "{body}");
    }
    login.end().await.unwrap();
}
