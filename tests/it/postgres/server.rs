//! A PostgreSQL server of a test's own, in a temporary folder, gone with the test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::{Client, NoTls};
use tempfile::TempDir;

/// The password of its only user, which must appear nowhere.
pub(crate) const PASSWORD: &str = "Geheim-4711";

pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    pub(crate) port: u16,
    /// User and group of the server, where the test is run by root, whom PostgreSQL refuses.
    owner: Option<(u32, u32)>,
}

impl Server {
    /// Starts a server; none, with the reason printed, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var_os("RVQ_REQUIRE_ALL").is_none(), "PostgreSQL is not installed");
            println!(
                "SKIPPED: no `initdb` in PATH or /usr/lib/postgresql: install PostgreSQL's server"
            );
            return None;
        };
        let folder = tempfile::Builder::new().prefix("rvq-pg-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let owner = (number("-u", None) == 0)
            .then(|| (number("-u", Some("postgres")), number("-g", Some("postgres"))));
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let server = Self { folder, programs, port, owner };
        fs::write(server.path("password"), PASSWORD).unwrap();
        server.certify();
        let data = server.path("data").display().to_string();
        let password = server.path("password").display().to_string();
        server.run(
            "initdb",
            &[
                "--no-sync",
                "--username=analyst",
                "--encoding=UTF8",
                "--locale=C",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--pwfile",
                &password,
                &data,
            ],
        );
        let folder = server.folder.path().display();
        let options = format!(
            "-k {folder} -p {port} -c listen_addresses=localhost -c fsync=off -c ssl=on \
             -c ssl_cert_file={folder}/server.crt -c ssl_key_file={folder}/server.key"
        );
        let log = server.path("log").display().to_string();
        server.run("pg_ctl", &["start", "--wait", "-D", &data, "-l", &log, "-o", &options]);
        Some(server)
    }

    /// A certificate that nobody but itself signs, for `localhost`.
    fn certify(&self) {
        let (key, certificate) = (self.path("server.key"), self.path("server.crt"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .expect("`openssl` is installed with PostgreSQL");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        if let Some((user, group)) = self.owner {
            chown(&key, Some(user), Some(group)).unwrap();
            chown(&certificate, Some(user), Some(group)).unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of its database, with `parameters` behind.
    pub(crate) fn address(&self, parameters: &str) -> String {
        format!("postgresql://analyst:{PASSWORD}@localhost:{}/postgres{parameters}", self.port)
    }

    /// The same in words, over a socket.
    pub(crate) fn socket(&self) -> String {
        format!(
            "host={} port={} user=analyst dbname=postgres",
            self.folder.path().display(),
            self.port
        )
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.socket(), NoTls).unwrap()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        // The server keeps what it inherits: its output goes to a file, not to a pipe that somebody waits for.
        let output = fs::File::create(self.path("output")).unwrap();
        let done = command.stdout(output.try_clone().unwrap()).stderr(output).status().unwrap();
        assert!(done.success(), "{program}: {}", fs::read_to_string(self.path("output")).unwrap());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data").display().to_string();
        if Path::new(&data).join("postmaster.pid").exists() {
            self.run("pg_ctl", &["stop", "--mode=immediate", "-D", &data]);
        }
    }
}

/// The folder of PostgreSQL's programs: in PATH, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_all = |folder: &PathBuf| {
        ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file())
    };
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    debian.sort();
    let debian = debian.into_iter().rev().map(|(_, folder)| folder);
    std::env::split_paths(&path).chain(debian).find(has_all)
}

/// What `id` says of `user`, or of whoever runs the test.
fn number(what: &str, user: Option<&str>) -> u32 {
    let output = Command::new("id").arg(what).args(user).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse().unwrap_or_else(|_| panic!("`id {what} {user:?}` gives a number"))
}
