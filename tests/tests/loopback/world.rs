//! A login that waits for its browser, and a browser that says exactly what the test wants.

use std::sync::Arc;

use astropass::{
    BrowserLogin, BrowserPrompt, Builder, Credentials, Endpoint, Endpoints, Error, Home,
    HttpFuture, Provider, Request, ReqwestHttp, SendHttp, Session, StoreChoice,
};
use astropass_tests::client::get;
use astropass_tests::server::{Approval, Options, Server};
use http::header::LOCATION;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// A home where nobody is signed in, and a server whose users say yes at once.
pub(crate) struct World {
    pub(crate) server: Server,
    home: TempDir,
    gate: Arc<Gate>,
}

/// A login whose URL was shown.
pub(crate) struct Waiting {
    pub(crate) login: JoinHandle<Result<Arc<Credentials>, Error>>,
    pub(crate) prompt: BrowserPrompt,
    pub(crate) paste: mpsc::UnboundedSender<String>,
    /// What was wrong with each paste.
    pub(crate) refused: mpsc::UnboundedReceiver<Error>,
}

/// Where requests to the server stop.
struct Gate {
    /// How many have come.
    come: Semaphore,
    /// How many may go on.
    let_through: Semaphore,
}

struct Gated(ReqwestHttp, Arc<Gate>);

impl SendHttp for Gated {
    fn send(&self, request: Request) -> HttpFuture<'_> {
        Box::pin(async move {
            self.1.come.add_permits(1);
            self.1.let_through.acquire().await.unwrap().forget();
            self.0.send(request).await
        })
    }
}

impl World {
    pub(crate) fn new() -> Self {
        astropass_tests::logs::keep();
        let let_through = Semaphore::new(Semaphore::MAX_PERMITS);
        let gate = Arc::new(Gate { come: Semaphore::new(0), let_through });
        let options = Options { auto_approve: Some(Approval::default()), ..Options::default() };
        let server = Server::start(options).unwrap();
        Self { server, home: tempfile::tempdir().unwrap(), gate }
    }

    /// No request gets through until [`open`](Self::open).
    pub(crate) fn close(&self) {
        self.gate.let_through.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Waits until a request has come to the closed gate.
    pub(crate) async fn asked(&self) {
        self.gate.come.acquire().await.unwrap().forget();
    }

    pub(crate) fn open(&self) {
        self.gate.let_through.add_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn provider(&self) -> Provider {
        let at = |path| Some(endpoint(&format!("{}/{path}", self.server.url())));
        Provider {
            issuer: self.server.issuer().to_owned(),
            client_id: "client_test".to_owned(),
            scopes: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
            endpoints: Endpoints {
                authorization: at("authorize"),
                token: at("token"),
                userinfo: at("userinfo"),
                issuer_in_callback: true,
                ..Endpoints::default()
            },
            dialect: astropass::Dialect::Standard,
        }
    }

    pub(crate) fn builder(&self) -> Builder {
        let http = Gated(ReqwestHttp::default(), Arc::clone(&self.gate));
        let builder = Session::builder().home(Home::in_directory(self.home.path()));
        builder.provider(self.provider()).store(StoreChoice::File).http(http)
    }

    pub(crate) fn is_stored(&self) -> bool {
        let home = Home::in_directory(self.home.path());
        home.profile("default").unwrap().is_some_and(|profile| profile.identity.is_some())
    }

    /// Nothing can be stored any more, whoever asks.
    pub(crate) fn break_store(&self) {
        let folder = self.home.path().join(".astro");
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "in the way").unwrap();
    }

    /// Begins a login at the server.
    pub(crate) async fn begin(&self) -> Waiting {
        begin(self.builder().build().unwrap(), BrowserLogin::default()).await.unwrap()
    }
}

/// Begins a login, up to where its URL is shown.
pub(crate) async fn begin(session: Session, with: BrowserLogin) -> Result<Waiting, Error> {
    let (shown, is_shown) = oneshot::channel();
    let (paste, mut pasted) = mpsc::unbounded_channel();
    let (refuse, refused) = mpsc::unbounded_channel();
    let login = tokio::spawn(async move {
        let pasted = Arc::new(tokio::sync::Mutex::new(&mut pasted));
        let show = |prompt| drop(shown.send(prompt));
        let paste = |wrong: Option<Error>| {
            drop(wrong.map(|wrong| refuse.send(wrong)));
            let pasted = Arc::clone(&pasted);
            async move {
                match pasted.lock().await.recv().await {
                    Some(url) => Zeroizing::new(url),
                    None => std::future::pending().await,
                }
            }
        };
        session.login_with_browser(&with, show, paste).await
    });
    match is_shown.await {
        Ok(prompt) => Ok(Waiting { login, prompt, paste, refused }),
        Err(_) => Err(login.await.unwrap().unwrap_err()),
    }
}

impl Waiting {
    /// Where the server sends a browser that follows the link.
    pub(crate) fn callback(&self) -> String {
        let page = get(self.prompt.authorization_url.as_str()).send().unwrap();
        page.header(&LOCATION).expect("a redirect").to_owned()
    }

    /// `callback` with another value for its parameter `name`.
    pub(crate) fn callback_with(&self, name: &str, value: &str) -> String {
        let callback = self.callback();
        let (before, rest) = callback.split_once(&format!("{name}=")).expect("the parameter");
        let after = rest.find('&').map_or("", |at| &rest[at..]);
        format!("{before}{name}={value}{after}")
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn authority(&self) -> &str {
        let rest = self.prompt.redirect_uri.strip_prefix("http://").unwrap();
        rest.split('/').next().unwrap()
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.authority()).await.unwrap()
    }

    /// Sends `request` as it is, and gives all that comes back.
    pub(crate) async fn say(&self, request: &str) -> String {
        converse(self.connect().await, request).await
    }

    /// What a browser that is sent to `url` gets.
    pub(crate) async fn visit(&self, url: &str) -> String {
        visit(self.authority(), url).await
    }

    pub(crate) async fn end(self) -> Result<Arc<Credentials>, Error> {
        self.login.await.unwrap()
    }
}

/// What a browser gets from `authority` that is sent to `url` there.
pub(crate) async fn visit(authority: &str, url: &str) -> String {
    let target = url.strip_prefix("http://").unwrap().strip_prefix(authority).expect("its URL");
    let slash = if target.starts_with('/') { "" } else { "/" };
    let request = format!("GET {slash}{target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    converse(TcpStream::connect(authority).await.unwrap(), &request).await
}

async fn converse(mut stream: TcpStream, request: &str) -> String {
    // One that refuses what it hears may have closed by now.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// The status of an answer; zero if there is none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url).unwrap()
}
