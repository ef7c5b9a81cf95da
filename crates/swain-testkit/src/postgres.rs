//! PostgreSQL for tests: a throw-away server that test processes share, a server of one's own to kill, and an empty
//! database for each test.
//!
//! `SWAIN_TEST_POSTGRES_URL` names a server to use instead of the shared one; its role has to be allowed to make databases.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::wait::PATIENCE;

/// Where Debian, Homebrew and the makers' own packages put the programs that are not in the path.
const PLACES: &[&str] = &["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt"];

/// What makes a test's server quick; it need not survive a power cut.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
max_connections = 200
shared_buffers = 32MB
max_prepared_transactions = 10
log_min_messages = fatal
";

/// The shared server ends when no test process has used it for a few looks of this watchdog: it holds the lock that every
/// user shares, so nobody can begin to use a server that is ending.
const WATCHDOG: &str = "
cd \"$1\" || exit
idle=0
while kill -0 \"$2\" 2>/dev/null && [ $idle -lt 5 ]; do
    sleep 1
    if flock -n -x users true; then idle=$((idle + 1)); else idle=0; fi
done
flock -x users sh -c 'rm -f ready; kill -INT '\"$2\"'; while kill -0 '\"$2\"' 2>/dev/null; do sleep 0.1; done; rm -rf data'
";

/// An empty database on the shared server; it goes with the server.
///
/// # Panics
/// When there is no PostgreSQL on this machine and no server is named.
pub fn database() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let server = shared();
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let _ = psql(server, &format!("DROP DATABASE IF EXISTS {name}"));
    let made = psql(server, &format!("CREATE DATABASE {name} TEMPLATE template0"));
    assert!(made.status.success(), "a database cannot be made: {}", String::from_utf8_lossy(&made.stderr));
    in_database(server, &name)
}

/// Runs SQL as any program would, in a session of its own, and gives what it prints: rows with `|` between columns.
///
/// # Panics
/// When it fails.
pub fn run_sql(url: &str, sql: &str) -> String {
    let output = psql(url, sql);
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The same, where an error is an answer, too.
pub fn try_sql(url: &str, sql: &str) -> Result<String, String> {
    let output = psql(url, sql);
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()),
    }
}

/// One of PostgreSQL's programs, to be run against a test's server.
pub fn program(name: &str) -> Command {
    Command::new(programs().join(name))
}

fn psql(url: &str, sql: &str) -> Output {
    let mut command = program("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]).stdin(Stdio::null());
    command.output().unwrap_or_else(|error| panic!("psql cannot be run: {error}"))
}

fn in_database(server: &str, name: &str) -> String {
    let (before, options) = server.split_once('?').map_or((server, ""), |(before, options)| (before, options));
    let end = before.rfind('/').filter(|end| *end > "postgres://".len()).unwrap_or(before.len());
    let question = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{question}{options}", &before[..end])
}

/// A server of one's own. It is ended and removed with the value.
pub struct Server {
    place: PathBuf,
    process: Option<u32>,
}

impl Server {
    /// Starts an empty one.
    ///
    /// # Panics
    /// When that cannot be done.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with settings of `postgresql.conf` over those of a test's server.
    ///
    /// # Panics
    /// When that cannot be done.
    pub fn start_with(settings: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let place = std::env::temp_dir().join(format!("swain-postgres-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        make_place(&place);
        init(&place, settings);
        let process = Some(start(&place));
        Self { place, process }
    }

    /// Its database `postgres`.
    pub fn url(&self) -> String {
        url(&self.place)
    }

    /// An empty database of it, which must not be there yet.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn database(&self, name: &str) -> String {
        run_sql(&self.url(), &format!("CREATE DATABASE {name} TEMPLATE template0"));
        in_database(&self.url(), name)
    }

    /// Ends it by SIGKILL: nothing is written any more but what is on its way to the disk.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            // The postmaster first, so that it starts nothing again; its children notice at once and go.
            signal("KILL", process);
            wait_until("the end of the server", || is_gone(process));
        }
    }

    /// Ends it as its operator would in a hurry, by SIGQUIT: what nobody waited for may not be on the disk.
    pub fn stop_at_once(&mut self) {
        if let Some(process) = self.process.take() {
            signal("QUIT", process);
            wait_until("the end of the server", || is_gone(process));
        }
    }

    /// Starts it again after its end. What is left of a killed one may still be going.
    pub fn start_again(&mut self) {
        wait_until("the new start of the server", || {
            self.process = try_start(&self.place);
            self.process.is_some()
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            signal("INT", process);
            wait_until("the end of the server", || is_gone(process));
        }
        let _ = fs::remove_dir_all(&self.place);
    }
}

/// The server that all test processes of this working copy use.
fn shared() -> &'static str {
    static SHARED: OnceLock<(String, Option<File>)> = OnceLock::new();
    &SHARED
        .get_or_init(|| match std::env::var("SWAIN_TEST_POSTGRES_URL") {
            Ok(url) => (url, None),
            Err(_) => {
                let (url, used) = join_shared();
                (url, Some(used))
            }
        })
        .0
}

/// Takes part in the shared server, which is started if nobody has. The file is the lock that says that it is used.
fn join_shared() -> (String, File) {
    let copy: u64 = env!("CARGO_MANIFEST_DIR")
        .bytes()
        .fold(14_695_981_039_346_656_037, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211));
    let place = std::env::temp_dir().join(format!("swain-postgres-shared-{copy:016x}"));
    make_place(&place);
    let open = |name: &str| {
        let file = File::options().create(true).append(true).open(place.join(name));
        file.unwrap_or_else(|error| panic!("{}: {error}", place.join(name).display()))
    };
    let starting = open("starting");
    starting.lock().expect("the start of the shared server can be locked");
    let used = open("users");
    used.lock_shared().expect("the use of the shared server can be locked");
    if !place.join("ready").exists() {
        let _ = fs::remove_dir_all(place.join("data"));
        init(&place, "");
        let process = start(&place);
        fs::write(place.join("ready"), process.to_string()).expect("the place of the shared server can be written to");
        let mut watchdog = Command::new("setsid");
        watchdog.args(["--fork", "sh", "-c", WATCHDOG, "sh"]).arg(&place).arg(process.to_string());
        // `--fork` leaves it behind at once: it outlives this process, and is nobody's to wait for.
        let watchdog = watchdog.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(watchdog.is_ok_and(|status| status.success()), "the watchdog of the shared server can be started");
    }
    (url(&place), used)
}

fn url(place: &Path) -> String {
    let host = place.to_string_lossy().replace('/', "%2F");
    format!("postgres://postgres@{host}/postgres")
}

fn make_place(place: &Path) {
    fs::create_dir_all(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    // The server runs as another user when the tests run as root.
    let _ = fs::set_permissions(place, Permissions::from_mode(0o777));
}

fn init(place: &Path, more: &str) {
    let mut initdb = as_server_user(&programs().join("initdb"));
    initdb.arg("-D").arg(place.join("data"));
    initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N", "--no-instructions"]);
    let output = initdb.current_dir("/").stdin(Stdio::null()).output().expect("initdb can be run");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    let settings = format!("{SETTINGS}unix_socket_directories = '{}'\n{more}", place.display());
    let mut write = as_server_user(Path::new("sh"));
    write.args(["-c", "cat >> \"$1\" <<END\n$2\nEND", "sh"]).arg(place.join("data/postgresql.conf")).arg(settings);
    assert!(write.current_dir("/").status().is_ok_and(|status| status.success()), "the settings can be written");
}

/// Starts a server in its place and waits until it answers; gives the process.
fn start(place: &Path) -> u32 {
    let log = || fs::read_to_string(place.join("data/server.log")).unwrap_or_default();
    try_start(place).unwrap_or_else(|| panic!("PostgreSQL does not start: {}", log()))
}

fn try_start(place: &Path) -> Option<u32> {
    let mut server = as_server_user(&programs().join("pg_ctl"));
    server.args(["-w", "-s", "-t", "60", "-D"]).arg(place.join("data")).arg("-l").arg(place.join("data/server.log"));
    let started = server.arg("start").current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).status();
    if !started.is_ok_and(|status| status.success()) {
        return None;
    }
    let pid = fs::read_to_string(place.join("data/postmaster.pid")).expect("the server says its process");
    Some(pid.lines().next().and_then(|line| line.trim().parse().ok()).expect("the first line is the process"))
}

/// PostgreSQL refuses to run as root; then it runs as the user that its package has made.
fn as_server_user(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// The folder of `initdb`, of the newest version there is.
fn programs() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let mut places: Vec<PathBuf> = std::env::split_paths(&paths).collect();
        for root in PLACES {
            let mut versions: Vec<PathBuf> =
                fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
            versions.sort();
            places.extend(versions.into_iter().rev());
        }
        // A path may hold a link to one of them alone.
        let programs = places.into_iter().filter_map(|place| fs::canonicalize(place.join("initdb")).ok());
        let found = programs.filter_map(|initdb| initdb.parent().map(Path::to_owned)).next();
        found.unwrap_or_else(|| panic!("tests need PostgreSQL 15 or newer: apt-get install postgresql"))
    })
}

fn signal(name: &str, process: u32) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).stderr(Stdio::null()).status();
}

fn is_gone(process: u32) -> bool {
    let alive = Command::new("kill").args(["-0", &process.to_string()]).stderr(Stdio::null()).status();
    !alive.is_ok_and(|status| status.success())
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        // sleep: the interval between two looks at the state.
        std::thread::sleep(Duration::from_millis(20));
    }
}
