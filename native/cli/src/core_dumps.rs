//! A program that crashes leaves its memory nowhere: there are tokens in it.

/// Turns core dumps off, for this process and for those that it starts. Where that cannot be done,
/// the program is as good as any other.
#[cfg(unix)]
pub(crate) fn turn_off() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // The limit is not asked where a program takes the dump; and other processes of the user may
    // not read the memory of this one any more.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Windows writes none unless an administrator asks for them.
#[cfg(not(unix))]
pub(crate) fn turn_off() {}
