//! What `doctor --json` says.

use serde_json::Value;

use super::{Ast, Output};

/// One object, with everything that was looked at.
#[derive(Debug)]
pub struct Report {
    /// As it was printed.
    pub output: Output,
    report: Value,
}

impl Report {
    /// Runs `doctor`, whose exit code is as promised; and what is not well, and nothing else, says
    /// what to do next.
    ///
    /// # Panics
    /// If it is not so.
    #[must_use]
    #[track_caller]
    pub fn of(doctor: Ast, code: i32) -> Self {
        let output = doctor.args(["--json"]).run();
        assert_eq!((output.code, output.stderr.as_str()), (Some(code), ""), "{output}");
        let [report] = output.json().try_into().expect("one object");
        let report = Self { output, report };
        let count =
            |status: &str| report.checks().iter().filter(|check| check["status"] == status).count();
        assert_eq!(report["failures"], count("failure"), "{}", report.output);
        assert_eq!(report["warnings"], count("warning"), "{}", report.output);
        assert_eq!(count("failure") == 0, code == 0, "{}", report.output);
        for check in report.checks() {
            let next = check["next"].as_str().map(|next| next.starts_with(char::is_uppercase));
            let wanted = if check["status"] == "ok" { None } else { Some(true) };
            assert_eq!(next, wanted, "{check}");
        }
        report
    }

    /// What was looked at, in its order.
    ///
    /// # Panics
    /// If there is no such list.
    #[must_use]
    pub fn checks(&self) -> &[Value] {
        self.report["checks"].as_array().expect("a list")
    }

    /// The first check of that name.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn check(&self, name: &str) -> &Value {
        let check = self.checks().iter().find(|check| check["check"] == name);
        check.unwrap_or_else(|| panic!("there is no {name}: {}", self.output))
    }

    /// The check `name` that says what `status` says, in its message or next step.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn assert(&self, name: &str, status: &str, says: &str) -> &Value {
        let says_it = |check: &&Value| {
            let text = format!("{} {}", check["message"], check["next"]);
            check["check"] == name && check["status"] == status && text.contains(says)
        };
        self.checks().iter().find(says_it).unwrap_or_else(|| {
            panic!("{name} is no {status} that says {says:?}: {}", self.output);
        })
    }

    /// All but those of `others` are fine, and none of these is.
    ///
    /// # Panics
    /// If it is not so.
    #[track_caller]
    pub fn assert_ok_but(&self, others: &[&str]) {
        for check in self.checks() {
            let is_other = check["check"].as_str().is_some_and(|name| others.contains(&name));
            assert_eq!(check["status"] == "ok", !is_other, "{check}");
        }
    }
}

impl std::ops::Index<&str> for Report {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.report[field]
    }
}
