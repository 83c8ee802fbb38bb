//! A message bus for one test, or one measurement.

/// The configuration of a session bus that listens at the address `listen` and starts no services.
///
/// It takes whoever reaches its socket, which nobody else does: where a program is traced by who is
/// not root, the bus does not know it (`ast/trace.rs`).
#[must_use]
pub fn bus_config(listen: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{listen}</listen>
  <auth>EXTERNAL</auth>
  <auth>ANONYMOUS</auth>
  <allow_anonymous/>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    )
}
