//! What other users of the machine, and other programs of this one, learn: nothing.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use astropass_tests::ast::{Ast, Home, assert_plain, program};
use astropass_tests::server::{Approval, Options};
use serde_json::{Value, json};

use super::{World, eager};

/// A user who has nothing.
const NOBODY: u32 = 65534;

/// Starts the program at `path` with the words of `args`, as somebody who wants core dumps, and as
/// another user where that can be done, for whom the kernel makes a difference.
#[cfg(target_os = "linux")]
fn start(home: &Home, path: &Path, args: &str, proxy: &str) -> Child {
    let (folder, copy) = (home.path(), home.path().join("program"));
    // By another process, as `write_program` does, and for the other user.
    assert!(Command::new("cp").args([path, &copy]).status().unwrap().success());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let line = format!("ulimit -c unlimited; exec '{}' {args}", copy.display());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &line]).env_clear().env("ASTRO_HOME", folder).env("HOME", folder);
    command.env("XDG_RUNTIME_DIR", folder).env("HTTPS_PROXY", proxy).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if fs::metadata(folder).unwrap().uid() == 0 {
        for path in [".", ".astro", ".astro/credentials.json"].map(|name| folder.join(name)) {
            if path.exists() {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    command.spawn().unwrap()
}

/// The limits of a core dump's size, the soft one and the hard one, and whose the process's own
/// files are: root's, if it may not be dumped.
#[cfg(target_os = "linux")]
fn core_dumps(child: &Child) -> ([String; 2], u32) {
    let proc = format!("/proc/{}", child.id());
    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let mut limit = limit.split_whitespace().skip(4).map(str::to_owned);
    let limits = [limit.next().unwrap(), limit.next().unwrap()];
    (limits, fs::metadata(format!("{proc}/environ")).unwrap().uid())
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_crashes_leaves_no_core_dump_and_cannot_be_read_by_others_of_the_user() {
    let place = "--workos-url https://op.example --server https://op.example --client-id c";
    for (name, args) in
        [("ast", format!("login --no-browser {place}")), ("astro", "login op.example".to_owned())]
    {
        // One that takes requests and does not answer them.
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        proxy.set_nonblocking(true).unwrap();
        let url = format!("http://{}", proxy.local_addr().unwrap());
        let home = Home::new();
        let mut child = start(&home, program(name), &args, &url);
        let _waits = loop {
            if let Ok((connection, _)) = proxy.accept() {
                break connection;
            }
            if child.try_wait().unwrap().is_some() {
                let output = child.wait_with_output().unwrap();
                panic!("it ended before it waited: {}", String::from_utf8_lossy(&output.stderr));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert_eq!(core_dumps(&child), (["0", "0"].map(str::to_owned), 0), "{name}");
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::ABORT,
        )
        .unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.signal(), status.core_dumped()), (Some(6), false), "{name}");
    }
}

/// What a library does not decide for the program that links it.
#[test]
#[cfg(target_os = "linux")]
fn a_program_with_the_library_has_the_core_dumps_that_it_was_started_with() {
    let world = World::signed_in();
    let storm = Path::new(env!("CARGO_BIN_EXE_storm"));
    let mut child = start(&world.home, storm, "1", "");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    // It has read the session, and asks for a token next.
    let before = core_dumps(&child);
    drop(child.stdin.take());
    assert!(lines.next().unwrap().unwrap().starts_with("token "));
    let user = fs::metadata(world.home.path()).unwrap().uid();
    let unlimited = ["unlimited", "unlimited"].map(str::to_owned);
    assert_eq!(before, (unlimited, user));
    assert!(child.wait().unwrap().success());
}

/// Whatever the umask, and not only once a mode was set: nobody can have opened it before that.
#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn what_is_created_is_the_users_alone_from_the_first_moment() {
    let world = World::new(Options { auto_approve: Some(Approval::default()), ..eager() });
    let folder = world.home.path().join(".astro");
    let mut made = Vec::new();
    let mut run = |ast: Ast, code| {
        let traced = ast.traced(|call| matches!(call.name, "open" | "mkdir" | "chmod"), None);
        assert_eq!(traced.code, Some(code));
        for call in traced.calls {
            let path = Path::new(&call.what);
            if path.starts_with(&folder) {
                let mode = if path == folder { 0o700 } else { 0o600 };
                assert_eq!(call.mode, Some(mode), "{call:?}");
                made.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    };
    run(world.login("--no-browser"), 0);
    world.home.age("default", 301);
    run(world.ast("token").printing_a_token(), 0);
    run(world.ast("logout"), 0);
    // The older client's file is copied.
    world.home.set_credentials(&json!({"profiles": {"default": {}}, "current_profile": "default"}));
    run(world.ast("whoami"), 4);
    for name in
        [".astro", "credentials.lock", "refresh-default.lock", ".credentials.", "older-client"]
    {
        assert!(made.iter().any(|made| made.contains(name)), "{name}: {made:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_browser_gets_the_url_and_no_token_from_the_environment() {
    let world = World::new(eager());
    let grant = world.grant();
    let token = grant["access_token"].as_str().unwrap();
    let script = world.home.path().join("browser.sh");
    let text = "cd \"$ASTRO_HOME\"
printf '%s\\n' \"$@\" >arguments
tr '\\0' '\\n' <\"/proc/$$/environ\" >environment
: >found
";
    fs::write(&script, text).unwrap();
    let login = world.login("").env("BROWSER", format!("/bin/sh {}", script.display()));
    let login = login.env("ASTRO_ACCESS_TOKEN", token).env("ASTRO_API_TOKEN", token).start();
    wait_for(&world.home.path().join("found"));
    login.interrupt();
    assert_eq!(login.finish().code, Some(130));
    let [arguments, environment] = ["arguments", "environment"]
        .map(|name| fs::read_to_string(world.home.path().join(name)).unwrap());
    let url = format!("{}/device?user_code=", world.server.url());
    assert!(arguments.starts_with(&url) && arguments.lines().count() == 1, "{arguments}");
    assert!(environment.contains("ASTRO_HOME="), "it has the rest of it: {environment}");
    assert!(!environment.contains(token) && !environment.contains("TOKEN"), "{environment}");
}

/// Runs a login whose device response has `fields`, with a browser that leaves a file.
fn login_with(fields: &Value) -> (String, bool) {
    let mut options: Options = eager();
    options.device_response = fields.as_object().unwrap().clone();
    let world = World::new(options);
    let opened = world.home.path().join("opened");
    let browser = format!("/usr/bin/touch {}", opened.display());
    let login = world.login("").env("BROWSER", browser).env("NO_COLOR", "1");
    let output = login.start_on_terminal().finish();
    assert_eq!(output.code, Some(6), "{output}");
    // One that was started in spite of the error would be there by the time that another one is.
    let other = world.home.path().join("other");
    let mut again = world.ast(&format!("--open-in-browser {}", world.server.url()));
    again = again.env("BROWSER", format!("/usr/bin/touch {}", other.display()));
    again.run().ok();
    wait_for(&other);
    (output.stdout, opened.exists())
}

fn wait_for(path: &Path) {
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_verification_uri_that_is_refused_is_never_opened() {
    for uri in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://evil.example/",
        "https://evil.example/\u{1b}[31m",
        "https://op.example@evil.example/",
        "--help",
    ] {
        let (screen, opened) = login_with(&json!({
            "verification_uri": uri,
            "verification_uri_complete": "https://evil.example/",
        }));
        assert!(!opened, "{uri}");
        assert!(screen.contains("verification_uri is not safe to open"), "{screen:?}");
        assert_plain(&screen);
    }
}

#[test]
fn only_a_url_that_is_safe_to_open_is_opened_by_the_program_itself() {
    let world = World::new(eager());
    let opened = world.home.path().join("opened");
    for url in ["javascript:alert(1)", "http://evil.example/", "/etc/passwd", "-h"] {
        let browser = format!("/usr/bin/touch {}", opened.display());
        let output = world.ast("--open-in-browser").args([url]).env("BROWSER", browser).run();
        assert_eq!(output.code, Some(2), "{output}");
    }
    assert!(!opened.exists());
}
