//! Three other processes and Swain write at once: the log replays to the table at every position that is compared.
//!
//! A process is this test program again, told by its environment what to do. `SWAIN_SEED` draws the same statements again;
//! how they interleave stays the system's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use swain_core::{Key, Millis, Pos, Row};
use swain_store::{Answer, ready};
use swain_testkit::spec;
use tempfile::TempDir;

use crate::bed::{Bed, Rows, insert, is_outside, submission, update};
use crate::random::{Random, TABLES, statement};

const PROGRAMS: u64 = 3;
const STATEMENTS: u64 = 10_000;
const JOB: &str = "SWAIN_OUTSIDE_JOB";
/// They go on until so many positions are theirs and so many were compared: how the system lets them take turns is its own.
const ENOUGH: usize = 100;
/// They are stopped when they take longer.
const TIME_MAX: Duration = Duration::from_secs(240);

/// What a reference drags along.
const CASCADE: &str = "
    CREATE TABLE d (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id) ON DELETE CASCADE ON UPDATE CASCADE, w TEXT);";

#[test]
fn statements_of_three_processes_beside_own_writes_replay_to_the_table() {
    spec!("S1", "S3");
    let seed = seed();
    println!("SWAIN_SEED={seed}");
    let bed = Bed::new(&format!("{TABLES}{CASCADE}"));
    let mut programs = Programs::start(&bed.path(), seed);
    let mut random = Random(seed);
    let mut replay = Replay::default();

    let (began, mut n) = (Instant::now(), 0);
    while programs.are_running() {
        assert!(began.elapsed() < TIME_MAX, "seed {seed}: the programs do not end");
        n += u64::from(write(&bed, n + 1, &mut random));
        replay.compare(&bed, seed);
        if replay.compared >= ENOUGH && replay.outside >= ENOUGH {
            std::fs::write(enough(&bed.path()), "").unwrap();
        }
    }
    let compared = replay.compared;
    assert!(replay.compare(&bed, seed), "nobody writes any more");

    println!("{} positions, {} outside, compared at {}; {n} own mutations", bed.head(), replay.outside, compared);
}

/// The programs write by this; by itself it shows that nearly all of its statements are ones that SQLite takes.
#[test]
fn an_outside_program() {
    if let Ok(job) = std::env::var(JOB) {
        let [path, seed, count] = job.splitn(3, '\n').collect::<Vec<_>>().try_into().unwrap();
        run(Path::new(path), seed.parse().unwrap(), count.parse().unwrap());
        return;
    }
    spec!("S3");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.db");
    Connection::open(&path).unwrap().execute_batch(&format!("{TABLES}{CASCADE}")).unwrap();

    std::fs::write(enough(&path), "").unwrap();
    assert!(run(&path, 1, 400) > 150);
}

/// The file whose being there tells the programs that they may end.
fn enough(path: &Path) -> PathBuf {
    path.with_extension("enough")
}

/// Executes so many statements, and more until there are enough; says how many were taken.
fn run(path: &Path, seed: u64, count: u64) -> usize {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(Duration::from_secs(60)).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF").unwrap();
    let mut random = Random(seed);
    let mut taken = 0;
    let mut executed = 0;
    while executed < count || !enough(path).exists() {
        executed += 1;
        let sql = match random.below(8) {
            0 => of_d(&mut random),
            // Who begins with a read and then writes is refused when somebody wrote in between.
            _ => statement(&mut random).replace("BEGIN", "BEGIN IMMEDIATE"),
        };
        // Many fail by a constraint, or end what was not begun.
        taken += usize::from(conn.execute_batch(&sql).is_ok());
        if random.below(6) == 0 && !conn.is_autocommit() {
            conn.execute_batch(random.pick(&["COMMIT", "COMMIT", "ROLLBACK"]).as_str()).ok();
        }
    }
    conn.execute_batch("COMMIT").ok();
    taken
}

fn of_d(random: &mut Random) -> String {
    let (id, parent) = (random.pick(&["1", "2", "3"]), random.pick(&["1", "2", "3", "4", "NULL"]));
    let or = random.pick(&["", " OR REPLACE", " OR IGNORE"]);
    match random.below(4) {
        0 | 1 => format!("INSERT{or} INTO d VALUES ({id}, {parent}, 'w')"),
        2 => format!("UPDATE{or} d SET a = {parent} WHERE id = {id}"),
        _ => format!("UPDATE{or} a SET id = id + 4 WHERE id = {id}"),
    }
}

/// Swain's own: applied or refused, it is a position. False when the others did not let go of the database.
fn write(bed: &Bed, n: u64, random: &mut Random) -> bool {
    let key = Key::of(i64::try_from(random.below(6)).unwrap());
    let operation = match random.below(2) {
        0 => insert("a", key, Row::default().with("y", 1)),
        _ => update("a", key, Row::default().with("y", 2)),
    };
    let answers = bed.submit_all(vec![submission("d", n, vec![operation])]);
    matches!(answers.as_slice(), [Answer::Decided(_)])
}

struct Programs(Vec<Child>);

impl Programs {
    fn start(path: &Path, seed: u64) -> Self {
        let program = |number| {
            let count = STATEMENTS / PROGRAMS + u64::from(number < STATEMENTS % PROGRAMS);
            let job = format!("{}\n{}\n{count}", path.display(), seed.wrapping_add(number + 1));
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["processes::an_outside_program", "--exact"]).env(JOB, job);
            command.stdout(std::process::Stdio::null()).spawn().unwrap()
        };
        Self((0..PROGRAMS).map(program).collect())
    }

    fn are_running(&mut self) -> bool {
        let running = self.0.iter_mut().map(|child| match child.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success(), "a program failed");
                false
            }
            None => true,
        });
        running.fold(false, |any, one| any | one)
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has ended cannot be ended again.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The log so far, over an empty database.
#[derive(Default)]
struct Replay {
    at: Pos,
    rows: Rows,
    compared: usize,
    outside: usize,
}

impl Replay {
    /// Looks, stops everybody, and compares, if nobody has written behind the look.
    fn compare(&mut self, bed: &Bed, seed: u64) -> bool {
        // While the others do not let go of the database there is nothing new to compare.
        if ready(bed.store.look_outside(Millis(2))).is_err() {
            return false;
        }
        bed.outside.busy_timeout(Duration::from_secs(60)).unwrap();
        bed.outside.execute_batch("BEGIN IMMEDIATE").unwrap();
        let waiting: i64 = bed.outside.query_row("SELECT count(*) FROM swain_capture", [], |row| row.get(0)).unwrap();
        if waiting == 0 {
            self.go_on(bed, seed);
            assert_eq!(self.rows, bed.rows(), "seed {seed}: at {}", self.at);
            self.compared += 1;
        }
        bed.outside.execute_batch("ROLLBACK").unwrap();
        waiting == 0
    }

    fn go_on(&mut self, bed: &Bed, seed: u64) {
        for position in bed.log_after(self.at) {
            assert_eq!(position.pos, self.at.next());
            self.at = position.pos;
            self.outside += usize::from(is_outside(&position));
            for change in position.changes {
                if &*change.row.table == "swain_schema" {
                    continue;
                }
                assert_eq!(self.rows.get(&change.row), change.before.as_ref(), "seed {seed}: before, at {}", self.at);
                match change.after {
                    Some(after) => self.rows.insert(change.row, after),
                    None => self.rows.remove(&change.row),
                };
            }
        }
    }
}

fn seed() -> u64 {
    let drawn = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos().into();
    std::env::var("SWAIN_SEED").map_or_else(|_| drawn(), |seed| seed.parse().unwrap())
}
