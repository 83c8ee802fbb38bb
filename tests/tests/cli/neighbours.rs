//! What other users of the machine, and other programs of this one, learn: nothing.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use astropass_tests::ast::program;
use astropass_tests::server::Options;
use serde_json::{Value, json};

use super::{CLIENT, World, eager};

/// A user who has nothing.
const NOBODY: u32 = 65534;

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_crashes_leaves_no_core_dump_and_cannot_be_read_by_others_of_the_user() {
    let world = World::new(eager());
    // It runs as somebody else where it can, for whom the kernel makes a difference.
    let home = world.home.path();
    let nobody = fs::metadata(home).unwrap().uid() == 0;
    let ast = home.join("ast");
    fs::copy(program("ast"), &ast).unwrap();
    fs::set_permissions(&ast, fs::Permissions::from_mode(0o755)).unwrap();
    let url = world.server.url();
    let line = format!(
        "ulimit -c unlimited; exec '{}' login --no-browser --workos-url {url} --server {url} --client-id {CLIENT}",
        ast.display()
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &line]).env_clear().env("ASTRO_HOME", home).env("HOME", home);
    command.env("XDG_RUNTIME_DIR", home).current_dir(home);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    if nobody {
        chown(home, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut child = command.spawn().unwrap();
    while world.server.events().is_empty() {
        if child.try_wait().unwrap().is_some() {
            let output = child.wait_with_output().unwrap();
            panic!("it ended before it waited: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let proc = format!("/proc/{}", child.id());
    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(limit.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{limit}");
    // What belongs to a process that may not be dumped is root's.
    assert_eq!(fs::metadata(format!("{proc}/environ")).unwrap().uid(), 0);
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::ABORT,
    )
    .unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
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
        super::terminal::assert_plain(&screen);
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
