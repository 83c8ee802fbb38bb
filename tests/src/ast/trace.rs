//! A program, stopped at each of its system calls that change something.

use std::ffi::{CStr, c_long};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::Ast;
use crate::HANGS;

/// How a traced process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Its exit code; `None` if it was killed.
    pub code: Option<i32>,
    /// Its calls that changed something, in the order in which they returned.
    pub calls: Vec<Call>,
}

/// A system call that changes a file, or tells another process something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name, such as `rename`
    pub name: &'static str,
    /// The file, or what a descriptor stands for; of a rename, the new name; of HTTP, the first
    /// line; of another message to a socket, how it begins
    pub what: String,
    /// The permissions that something is created with, before the umask takes some away
    pub mode: Option<u64>,
}

impl Ast {
    /// Runs it to its end, or kills it right after `kill_after` of the calls that are `counted`.
    ///
    /// # Panics
    /// If it cannot be traced, or takes a minute.
    #[must_use]
    pub fn traced(self, counted: fn(&Call) -> bool, kill_after: Option<usize>) -> Traced {
        // Whom a thread traces is told to that thread only, among its own children.
        let tracer = thread::spawn(move || {
            Tracer::start(&self.command, self.input.as_deref(), counted).run(kill_after)
        });
        tracer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Tracer {
    process: Pid,
    counted: fn(&Call) -> bool,
    calls: Vec<Call>,
}

impl Tracer {
    /// Begins when the shell that becomes the program has stopped itself.
    fn start(command: &Command, input: Option<&[u8]>, counted: fn(&Call) -> bool) -> Self {
        let mut shell = if rustix::process::geteuid().is_root() {
            Command::new("/bin/sh")
        } else {
            // A program that turns core dumps off is opaque even to its tracer, unless that is the
            // root of its user namespace.
            let mut unshare = Command::new("/usr/bin/unshare");
            unshare.args(["--user", "--map-root-user", "/bin/sh"]);
            unshare
        };
        shell.args(["-c", r#"kill -STOP $$; exec "$0" "$@""#]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.env_clear();
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(command.get_current_dir().expect("a home"));
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[allow(clippy::zombie_processes, reason = "the tracer waits for it")]
        let mut child = shell.spawn().expect("a shell");
        // A pipe takes this much at once; it ends here.
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.unwrap_or_default()).expect("a pipe");
        drop(stdin);
        let process = Pid::from_raw(child.id().cast_signed());
        waitpid(process, Some(WaitPidFlag::WUNTRACED)).expect("it stops itself");
        let options = Options::PTRACE_O_EXITKILL
            | Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC;
        ptrace::seize(process, options).expect("it can be traced");
        kill(process, Signal::SIGCONT).expect("it goes on");
        Self { process, counted, calls: Vec::new() }
    }

    fn run(mut self, kill_after: Option<usize>) -> Traced {
        let (done, is_done) = channel::<()>();
        let process = self.process;
        let watchdog = thread::spawn(move || {
            let hung = is_done.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout);
            if hung {
                let _ = kill(process, Signal::SIGKILL);
            }
            hung
        });
        let code = self.follow(kill_after);
        drop(done);
        assert!(!watchdog.join().expect("it only waits"), "it does not end: {:?}", self.calls);
        Traced { code, calls: self.calls }
    }

    /// Gives the exit code, unless it is killed.
    fn follow(&mut self, kill_after: Option<usize>) -> Option<i32> {
        let (mut is_program, mut entered) = (false, Vec::new());
        loop {
            let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            let status = match waitpid(None, Some(flags)) {
                Err(Errno::EINTR) => continue,
                status => status.expect("it is there until its end"),
            };
            let (thread, signal) = match status {
                WaitStatus::Exited(process, code) if process == self.process => return Some(code),
                WaitStatus::Signaled(process, ..) if process == self.process => return None,
                WaitStatus::PtraceEvent(thread, _, event) => {
                    is_program |= event == Event::PTRACE_EVENT_EXEC as i32;
                    (thread, None)
                }
                WaitStatus::PtraceSyscall(thread) => {
                    if is_program
                        && self.passed(thread, &mut entered)
                        && Some(self.calls.len()) == kill_after
                    {
                        let _ = kill(self.process, Signal::SIGKILL);
                        continue;
                    }
                    (thread, None)
                }
                WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                _ => continue,
            };
            // A thread that was killed meanwhile has its end told next.
            let _ = ptrace::syscall(thread, signal);
        }
    }

    /// Whether `thread` has just returned from a call that changes something.
    fn passed(&mut self, thread: Pid, entered: &mut Vec<(Pid, Call)>) -> bool {
        match ptrace::syscall_info(thread).map(|info| info.op) {
            Ok(libc::PTRACE_SYSCALL_INFO_ENTRY) => {
                entered.extend(self.call(thread).map(|call| (thread, call)));
                false
            }
            Ok(libc::PTRACE_SYSCALL_INFO_EXIT) => {
                let Some(at) = entered.iter().position(|(of, _)| *of == thread) else {
                    return false;
                };
                self.calls.push(entered.swap_remove(at).1);
                true
            }
            _ => false,
        }
    }

    /// The call that `thread` enters, if it changes something.
    fn call(&self, thread: Pid) -> Option<Call> {
        let (number, arguments) = registers(thread)?;
        let [first, second, third, fourth, ..] = arguments;
        let path = |address| self.text(address);
        let file = |descriptor: u64| {
            let link = format!("/proc/{}/fd/{descriptor}", self.process);
            Some(fs::read_link(link).ok()?.display().to_string())
        };
        let (name, what) = match number {
            libc::SYS_openat if third & libc::O_CREAT as u64 != 0 => ("open", path(second)),
            libc::SYS_mkdirat => ("mkdir", path(second)),
            libc::SYS_unlinkat => ("unlink", path(second)),
            libc::SYS_renameat | libc::SYS_renameat2 => ("rename", path(fourth)),
            libc::SYS_fchmodat => ("chmod", path(second)),
            libc::SYS_fchmod => ("chmod", file(first)),
            libc::SYS_ftruncate => ("truncate", file(first)),
            libc::SYS_fsync | libc::SYS_fdatasync => ("sync", file(first)),
            libc::SYS_writev => ("write", file(first).map(|to| self.sent(to, self.buffer(second)))),
            libc::SYS_write | libc::SYS_pwrite64 => {
                ("write", file(first).map(|to| self.sent(to, Some((second, third)))))
            }
            libc::SYS_sendmsg => ("send", self.message(second)),
            libc::SYS_sendto => {
                ("send", file(first).map(|to| self.sent(to, Some((second, third)))))
            }
            number => older(number).map(|(name, path_at)| (name, path(arguments[path_at])))?,
        };
        // How tokio wakes its own threads is nobody else's business.
        let mode = match number {
            libc::SYS_openat => Some(fourth),
            libc::SYS_mkdirat => Some(third),
            _ if name == "mkdir" => Some(second),
            _ => None,
        };
        let call = Call { name, what: what?, mode };
        (call.what != "anon_inode:[eventfd]" && (self.counted)(&call)).then_some(call)
    }

    /// How a message begins, of which `address` is the header (`struct msghdr`).
    fn message(&self, address: u64) -> Option<String> {
        let (base, length) = self.buffer(self.pointer(address + 16)?)?;
        let bytes = self.memory(base, usize::try_from(length.min(512)).ok()?)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first line of what goes `to` a socket, if it is one of HTTP; else where it goes.
    fn sent(&self, to: String, buffer: Option<(u64, u64)>) -> String {
        let first_line = || {
            let (base, length) = buffer.filter(|_| to.starts_with("socket:"))?;
            let bytes = self.memory(base, usize::try_from(length.min(512)).ok()?)?;
            let line = bytes.split(|byte| *byte == b'\r').next()?;
            let line = String::from_utf8(line.to_vec()).ok()?;
            line.contains("HTTP/1.1").then_some(line)
        };
        first_line().unwrap_or(to)
    }

    /// Address and length of the first of the buffers at `address` (`struct iovec`).
    fn buffer(&self, address: u64) -> Option<(u64, u64)> {
        Some((self.pointer(address)?, self.pointer(address + 8)?))
    }

    fn pointer(&self, address: u64) -> Option<u64> {
        let bytes = self.memory(address, 8)?;
        Some(u64::from_ne_bytes(bytes.try_into().ok()?))
    }

    /// The text at `address` of the process.
    fn text(&self, address: u64) -> Option<String> {
        let bytes = self.memory(address, 4096)?;
        Some(CStr::from_bytes_until_nul(&bytes).ok()?.to_string_lossy().into_owned())
    }

    /// At most so many bytes at `address` of the process.
    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let memory = File::open(format!("/proc/{}/mem", self.process)).ok()?;
        let mut bytes = vec![0; length];
        let read = memory.read_at(&mut bytes, address).ok()?;
        bytes.truncate(read);
        Some(bytes)
    }
}

#[cfg(target_arch = "x86_64")]
fn registers(thread: Pid) -> Option<(c_long, [u64; 6])> {
    let it = ptrace::getregs(thread).ok()?;
    Some((it.orig_rax.cast_signed(), [it.rdi, it.rsi, it.rdx, it.r10, it.r8, it.r9]))
}

#[cfg(target_arch = "aarch64")]
fn registers(thread: Pid) -> Option<(c_long, [u64; 6])> {
    let [a, b, c, d, e, f, _, _, number, ..] = ptrace::getregs(thread).ok()?.regs;
    Some((number.cast_signed(), [a, b, c, d, e, f]))
}

/// Calls that newer architectures do without, and which of their arguments is the path.
#[cfg(target_arch = "x86_64")]
fn older(number: c_long) -> Option<(&'static str, usize)> {
    Some(match number {
        libc::SYS_mkdir => ("mkdir", 0),
        libc::SYS_unlink => ("unlink", 0),
        libc::SYS_rename => ("rename", 1),
        libc::SYS_chmod => ("chmod", 0),
        _ => return None,
    })
}

#[cfg(target_arch = "aarch64")]
fn older(_: c_long) -> Option<(&'static str, usize)> {
    None
}
