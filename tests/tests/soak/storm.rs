//! Many processes at the moment of expiry.

use std::collections::HashSet;
use std::io::{PipeWriter, pipe};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use astropass_tests::ast::{Ast, Running, World, eager};
use astropass_tests::client::get;
use astropass_tests::server::{Endpoint, Options};

use crate::figures::{Figures, many, random};

const TASKS: usize = 16;
/// What the server takes to answer a refresh, in seconds.
const ANSWER: f64 = 0.3;
/// The default lifetime of a token, in seconds.
const LIFETIME: i64 = 300;

/// Processes that have read the same session and wait for the same moment.
struct Storm {
    processes: Vec<Running>,
    gate: PipeWriter,
}

/// What became of one process.
enum Ended {
    Killed,
    /// What each of its tasks got: a token or the code of an error.
    Answered(Vec<Result<String, String>>),
}

impl Storm {
    /// Starts `count` processes, which are ready when this returns.
    fn gather(world: &World, count: usize) -> Self {
        Self::gather_by(world, count, |storm| storm)
    }

    /// The same, under the clocks that `by` gives them.
    fn gather_by(world: &World, count: usize, by: impl Fn(Ast) -> Ast) -> Self {
        let (waiting, gate) = pipe().unwrap();
        let start = |_| {
            let storm = world.home.program_at(Path::new(env!("CARGO_BIN_EXE_storm")));
            let storm = by(storm.args([TASKS.to_string()]).printing_a_token());
            storm.stdin_from(waiting.try_clone().unwrap()).start()
        };
        let mut processes: Vec<_> = (0..count).map(start).collect();
        for process in &mut processes {
            process.wait_for(|stdout, _| stdout.contains("ready\n").then_some(()));
        }
        Self { processes, gate }
    }

    /// Lets all of them ask.
    fn begin(self) -> Vec<Running> {
        drop(self.gate);
        self.processes
    }
}

/// Waits for the end that a process comes to by itself. Whoever waits for the one that refreshes
/// gives up after `LOCK_WAIT`, in his own error, which no storm lets pass for an answer; the limit
/// of [`Running`] is beyond that, and a failure of its own.
fn ended(process: Running) -> Ended {
    let output = process.finish();
    if output.code.is_none() {
        return Ended::Killed;
    }
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "it failed by itself");
    let answers = output.stdout.lines().filter(|line| *line != "ready").map(|line| {
        match line.split_once(' ') {
            Some(("token", token)) => Ok(token.to_owned()),
            Some(("error", code)) => Err(code.to_owned()),
            _ => panic!("neither a token nor an error"),
        }
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.len(), TASKS);
    Ended::Answered(answers)
}

/// A session whose token expires in two seconds, and a server that takes its time.
fn about_to_expire(options: Options) -> (World, SystemTime) {
    let world = World::signed_in_at(options);
    world.server.fault(format!("refresh:*:delay={ANSWER}").parse().unwrap());
    world.home.age("default", LIFETIME - 2);
    let received_at = world.profile()["session"]["received_at"].as_u64().unwrap();
    let lifetime = Duration::from_secs(LIFETIME.unsigned_abs());
    (world, SystemTime::UNIX_EPOCH + Duration::from_secs(received_at) + lifetime)
}

fn sleep_until(moment: SystemTime) {
    thread::sleep(moment.duration_since(SystemTime::now()).unwrap_or_default());
}

/// Whether the API takes `token`.
fn is_valid(world: &World, token: &str) -> bool {
    let me = get(&format!("{}/api/v1/me", world.server.url())).bearer(token);
    me.send().unwrap().status() == 200
}

#[test]
fn sixty_four_processes_of_sixteen_tasks_share_one_refresh() {
    let mut figures = Figures::of("storm: 64 processes of 16 tasks, strict reuse detection");
    for _ in 0..many(3, 50) {
        let (world, expiry) = about_to_expire(eager());
        let storm = Storm::gather(&world, 64);
        sleep_until(expiry);
        let mut tokens = Vec::new();
        for process in storm.begin() {
            match ended(process) {
                Ended::Answered(answers) => tokens.extend(answers),
                Ended::Killed => panic!("nobody killed it"),
            }
        }
        let valid = |token: &Result<String, String>| {
            token.as_ref().is_ok_and(|token| is_valid(&world, token))
        };
        let distinct: HashSet<_> = tokens.iter().collect();
        assert_eq!((tokens.len(), distinct.len()), (1024, 1));
        let stats = world.server.stats();
        assert_eq!((stats.refreshes, stats.replays, stats.reuses), (1, 0, 0));
        figures.rounds += 1;
        figures.lost += usize::from(!distinct.into_iter().all(valid));
    }
    figures.end();
}

/// Kills a third of the processes, each at a moment of its own while the others ask.
fn kill_a_third(processes: &[Running]) -> usize {
    // From before the request is sent until after its answer is stored.
    let span = 2.0 * ANSWER;
    let mut victims: Vec<_> = processes.iter().map(|process| (random(), process)).collect();
    victims.sort_by_key(|(order, _)| *order);
    victims.truncate(processes.len() / 3);
    let mut moments: Vec<_> = victims
        .into_iter()
        .map(|(_, process)| {
            let part = (random() % 1_000_000) as f64 / 1e6;
            (Duration::from_secs_f64(part * span), process)
        })
        .collect();
    moments.sort_by_key(|(moment, _)| *moment);
    let began = Instant::now();
    for (moment, process) in &moments {
        thread::sleep(moment.saturating_sub(began.elapsed()));
        process.kill();
    }
    moments.len()
}

/// Whether the server has given a refresh token that was never stored.
fn is_reply_lost(world: &World, before: &str) -> bool {
    world.refreshes() > 0 && world.profile()["revision"] == before
}

/// What every survivor got: tokens that the API takes, or that the session is over.
#[derive(Debug, PartialEq, Eq)]
enum All {
    Valid,
    Over,
}

/// One storm with its kills; what the survivors got.
fn killing(options: Options, count: usize, figures: &mut Figures) -> (World, All) {
    let (world, expiry) = about_to_expire(options);
    let before = world.profile()["revision"].as_str().unwrap().to_owned();
    let storm = Storm::gather(&world, count);
    sleep_until(expiry);
    let processes = storm.begin();
    figures.kills += kill_a_third(&processes);
    let mut answers = Vec::new();
    for process in processes {
        if let Ended::Answered(its) = ended(process) {
            answers.extend(its);
        }
    }
    figures.rounds += 1;
    assert!(answers.len() >= count / 2 * TASKS, "more ended than were killed");
    let distinct: HashSet<_> = answers.into_iter().collect();
    let all_valid = distinct.iter().all(|it| it.as_ref().is_ok_and(|it| is_valid(&world, it)));
    if all_valid {
        assert!(!is_reply_lost(&world, &before));
        return (world, All::Valid);
    }
    let over = HashSet::from([Err("session_over".to_owned())]);
    assert!(distinct == over, "neither valid tokens nor the end of the session");
    assert!(is_reply_lost(&world, &before), "it ended, and need not have");
    assert!(world.profile()["tokens"].is_object(), "it was deleted");
    (world, All::Over)
}

#[test]
fn a_third_killed_and_the_server_repeats_its_answer() {
    let mut figures = Figures::of("storm, a third killed: the server repeats its answer");
    for _ in 0..many(1, 25) {
        let options = Options { grace: Duration::from_secs(30), ..eager() };
        let (world, all) = killing(options, many(24, 64), &mut figures);
        figures.lost += usize::from(all != All::Valid);
        assert_eq!(world.refreshes(), 1);
    }
    figures.end();
}

#[test]
fn a_third_killed_and_the_server_is_strict() {
    let mut figures = Figures::of("storm, a third killed: strict reuse detection");
    let mut over = 0;
    for _ in 0..many(1, 25) {
        let (world, all) = killing(eager(), many(24, 64), &mut figures);
        over += usize::from(all == All::Over);
        // Nobody asks again and again: one request of each process at most.
        let requests = world.requests(Endpoint::Token).len();
        assert!(requests <= 64 + 2, "{requests} requests");
    }
    figures.note(&format!("{over} killed between send and save"));
    figures.end();
}

/// What the tasks of processes get that nobody kills.
fn answers(processes: Vec<Running>) -> HashSet<Result<String, String>> {
    let answers = processes.into_iter().flat_map(|process| match ended(process) {
        Ended::Answered(answers) => answers,
        Ended::Killed => panic!("nobody killed it"),
    });
    answers.collect()
}

/// The one that refreshes is killed when the server has answered it, and it has not heard so.
fn killed_between_send_and_save(options: Options) -> Vec<Result<String, String>> {
    let (world, expiry) = about_to_expire(options);
    world.server.clear_faults();
    world.server.fault("refresh:1:delay=600".parse().unwrap());
    let (first, others) = (Storm::gather(&world, 1), Storm::gather(&world, 15));
    sleep_until(expiry);
    let first = first.begin();
    while world.refreshes() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    let others = others.begin();
    first.iter().for_each(Running::kill);
    let distinct = answers(others);
    assert!(world.profile()["tokens"].is_object(), "it was deleted");
    distinct.into_iter().collect()
}

#[test]
fn a_reply_that_died_with_its_process_is_asked_for_again() {
    let options = Options { grace: Duration::from_secs(30), ..eager() };
    let answers = killed_between_send_and_save(options);
    assert!(matches!(answers[..], [Ok(_)]), "all have the same token");
}

#[test]
fn a_reply_that_died_with_its_process_ends_the_session_for_all_alike() {
    let answers = killed_between_send_and_save(eager());
    assert_eq!(answers, [Err("session_over".to_owned())]);
}

/// Nobody hangs with a process that hangs: its lock is waited for as long as a request may take and
/// five seconds, here by clocks that hurry. Nothing is sent meanwhile, and nothing is lost.
#[test]
fn whoever_waits_for_a_process_that_hangs_gives_up_in_his_own_error() {
    let times = 100;
    let options = Options { grace: Duration::from_secs(30), ..eager() };
    let (world, expiry) = about_to_expire(options);
    world.server.clear_faults();
    world.server.fault("refresh:1:delay=600".parse().unwrap());
    let first = Storm::gather(&world, 1);
    sleep_until(expiry);
    let others = Storm::gather_by(&world, 7, |storm| storm.hurried(times));
    let first = first.begin();
    while world.refreshes() == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    first.iter().for_each(Running::freeze);
    let asked = world.requests(Endpoint::Token).len();
    let got = answers(others.begin());
    assert_eq!(got, HashSet::from([Err("store_busy".to_owned())]));
    assert_eq!(world.requests(Endpoint::Token).len(), asked, "somebody else asked too");
    first.iter().for_each(Running::kill);
    let got = answers(Storm::gather(&world, 2).begin());
    assert!(got.len() == 1 && got.iter().all(Result::is_ok), "the reply is not asked for again");
}
