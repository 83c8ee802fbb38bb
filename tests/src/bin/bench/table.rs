//! The one table that is printed, and whether it is good enough.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::MIB;
use super::samples::Samples;

const GROUP: Style = Style::new().bold();
const MET: Style = AnsiColor::Green.on_default();
const MISSED: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = Style::new().dimmed();

#[derive(Default)]
pub(super) struct Table {
    text: String,
    missed: bool,
}

impl Table {
    pub(super) fn group(&mut self, title: &str) {
        let _ = write!(self.text, "\n{GROUP}{title}{GROUP:#}\n");
    }

    pub(super) fn note(&mut self, text: &str) {
        let _ = writeln!(self.text, "  {NOTE}left out: {text}{NOTE:#}");
    }

    /// Ours, which may take at most so many nanoseconds.
    pub(super) fn ours(&mut self, what: &str, ours: &Samples, most: Option<f64>) {
        let bound = most.map(|most| (time(most), ours.median() <= most));
        self.times(what, ours, "", bound);
    }

    /// A peer's, and how many times as long ours takes, which may be at most `most`.
    pub(super) fn peer(&mut self, what: &str, peer: &Samples, ours: &Samples, most: Option<f64>) {
        let ratio = ours.median() / peer.median();
        let bound = most.map(|most| (format!("{most:.2} ×"), ratio <= most));
        self.times(what, peer, &format!("{ratio:.3} ×"), bound);
    }

    pub(super) fn bytes(&mut self, what: &str, bytes: f64, most: f64) {
        let mib = |bytes| format!("{:.2} MiB", bytes / MIB);
        self.row(what, "", &mib(bytes), "", "", Some((mib(most), bytes <= most)));
    }

    fn times(&mut self, what: &str, samples: &Samples, ratio: &str, bound: Option<(String, bool)>) {
        let runs = samples.0.len().to_string();
        self.row(what, &runs, &time(samples.median()), &time(samples.min()), ratio, bound);
    }

    fn row(
        &mut self,
        what: &str,
        runs: &str,
        median: &str,
        min: &str,
        ratio: &str,
        bound: Option<(String, bool)>,
    ) {
        let columns = format!("  {what:<36}{runs:>5}{median:>12}{min:>12}{ratio:>10}");
        let verdict = match &bound {
            Some((most, true)) => format!("   at most {most:<9} {MET}ok{MET:#}"),
            Some((most, false)) => format!("   at most {most:<9} {MISSED}missed{MISSED:#}"),
            None => String::new(),
        };
        self.missed |= bound.is_some_and(|(_, met)| !met);
        let _ = writeln!(self.text, "{}", format!("{columns}{verdict}").trim_end());
    }

    /// Prints it, and says whether every bound is met.
    pub(super) fn print(&self) -> bool {
        let heading =
            format!("  {:<36}{:>5}{:>12}{:>12}{:>10}", "", "runs", "median", "least", "ratio");
        anstream::println!("{heading}   bound{}", self.text);
        anstream::println!("ratio: the median of ours divided by the median in that line");
        if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
            let minute = load.split(' ').next().unwrap_or_default();
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            anstream::println!("load of the last minute: {minute}, on {processors} processors");
        }
        !self.missed
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.0} ns"),
        ..1e6 => format!("{:.1} µs", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}
