//! The connection that an environment variable holds, in libpq's two forms: an address or words.

use std::str::FromStr as _;
use std::time::Duration;

use postgres::config::Host;
use postgres::{Client, Config};

use super::error::{DatabaseError, in_words};
use super::tls::{self, Trust};

/// How long to wait for a server where the connection does not say.
const PATIENCE: Duration = Duration::from_secs(30);

const ADDRESS: &str = "`postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require`";

/// Parameters of libpq that are not read here.
const UNREAD: [&str; 8] = [
    "gssencmode",
    "krbsrvname",
    "passfile",
    "requiressl",
    "service",
    "sslcert",
    "sslcrl",
    "sslkey",
];

/// A connection as given; nothing shows it.
pub(super) struct Connection {
    variable: String,
    config: Config,
    trust: Trust,
}

impl Connection {
    /// What the environment variable `variable` holds.
    pub(super) fn given_by(variable: &str) -> Result<Self, DatabaseError> {
        let variable = variable.to_owned();
        match std::env::var(&variable) {
            Ok(text) => match Self::parse(text.trim()) {
                Ok((config, trust)) => Ok(Self { variable, config, trust }),
                Err(reason) => Err(DatabaseError::Unreadable { variable, reason }),
            },
            Err(std::env::VarError::NotPresent) => Err(DatabaseError::Unset { variable }),
            Err(std::env::VarError::NotUnicode(_)) => {
                let reason = "it is not UTF-8".to_owned();
                Err(DatabaseError::Unreadable { variable, reason })
            }
        }
    }

    /// The environment variable.
    pub(super) fn variable(&self) -> &str {
        &self.variable
    }

    pub(super) fn open(&self) -> Result<Client, DatabaseError> {
        let refused = |reason| DatabaseError::Refused {
            variable: self.variable.clone(),
            place: self.place(),
            reason,
        };
        let tls = tls::connector(&self.trust).map_err(refused)?;
        self.config.connect(tls).map_err(|error| refused(in_words(&error)))
    }

    /// Reads `text`. What is wrong with it is said without its words: any of them may be part of a password.
    fn parse(text: &str) -> Result<(Config, Trust), String> {
        let address = ["postgres://", "postgresql://"].iter().find_map(|it| text.strip_prefix(it));
        if address
            .is_some_and(|rest| rest.split('?').next().unwrap_or(rest).matches('@').count() > 1)
        {
            return Err("it has more than one `@`: write that of a password as `%40`".to_owned());
        }
        let mut text = text.to_owned();
        let roots = take(&mut text, "sslrootcert");
        let mode = take(&mut text, "sslmode");
        let (mode, trust) = tls::mode(mode.as_deref(), roots)?;
        let mut config = Config::from_str(&text).map_err(|_| {
            match UNREAD.iter().find(|name| text.contains(&format!("{name}="))) {
                Some(name) => format!("`{name}` is not read here"),
                None => format!(
                    "expected {ADDRESS}, with signs such as `/`, `?` and `%` in the password written as `%2F`, `%3F`, \
                     `%25`, or `host=… dbname=… user=… password='…'`"
                ),
            }
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(format!("it names no host, expected {ADDRESS}"));
        }
        config.ssl_mode(mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("rvq");
        }
        Ok((config, trust))
    }

    /// Host and port, in words.
    fn place(&self) -> String {
        let host = |host: &Host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        };
        let hosts: Vec<String> = match self.config.get_hosts() {
            [] => self.config.get_hostaddrs().iter().map(ToString::to_string).collect(),
            hosts => hosts.iter().map(host).collect(),
        };
        let ports = self.config.get_ports();
        let place = |(at, host): (usize, &String)| {
            let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
            format!("{host}:{port}")
        };
        hosts.iter().enumerate().map(place).collect::<Vec<_>>().join(", ")
    }
}

/// Takes the parameter `key` out of a connection, in either form: libpq has values of TLS that our library does not
/// know.
fn take(text: &mut String, key: &str) -> Option<String> {
    let is_address = text.contains("://");
    let (before, behind) = if is_address { ("?&", '&') } else { (" ", ' ') };
    let starts = |at: usize| {
        let sign = text[..at].chars().next_back();
        sign.map_or(!is_address, |sign| before.contains(sign))
    };
    let word = format!("{key}=");
    let start = text.match_indices(&word).map(|(at, _)| at).find(|&at| starts(at))?;
    let value = &text[start + word.len()..];
    let quoted = value.strip_prefix('\'').filter(|_| !is_address);
    let (value, end) = if let Some(quoted) = quoted {
        let length = quoted.find('\'')?;
        (quoted[..length].to_owned(), length + 2)
    } else {
        let length = value.find(behind).unwrap_or(value.len());
        (value[..length].to_owned(), length)
    };
    let end = (start + word.len() + end + 1).min(text.len());
    text.replace_range(start..end, "");
    Some(value)
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("variable", &self.variable).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use postgres::config::SslMode;

    use super::*;

    fn parsed(text: &str) -> (Config, Trust) {
        Connection::parse(text).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        for text in [
            "postgresql://bob:p%40ss@db.example:6432/crm?sslmode=verify-full&sslrootcert=ca.pem&connect_timeout=7",
            "postgres://bob:p%40ss@db.example:6432/crm?connect_timeout=7&sslrootcert=ca.pem&sslmode=verify-full",
            "host=db.example port=6432 dbname=crm user=bob password=p@ss sslmode=verify-full sslrootcert='ca.pem' \
             connect_timeout=7",
        ] {
            let (config, trust) = parsed(text);
            assert_eq!(config.get_hosts(), [Host::Tcp("db.example".to_owned())], "{text}");
            assert_eq!(config.get_ports(), [6432]);
            assert_eq!(config.get_dbname(), Some("crm"));
            assert_eq!(config.get_user(), Some("bob"));
            assert_eq!(config.get_password(), Some(b"p@ss".as_slice()));
            assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(7)));
            assert_eq!(config.get_ssl_mode(), SslMode::Require);
            assert_eq!(trust, Trust::Roots(Some("ca.pem".into())));
        }
    }

    #[test]
    fn encryption_is_as_libpq_has_it() {
        let of = |mode: &str| parsed(&format!("postgresql://db.example/crm{mode}"));
        assert_eq!((of("").0.get_ssl_mode(), of("").1), (SslMode::Prefer, Trust::Anyone));
        let (config, trust) = of("?sslmode=require");
        assert_eq!((config.get_ssl_mode(), trust), (SslMode::Require, Trust::Anyone));
        assert_eq!(of("?sslmode=disable").0.get_ssl_mode(), SslMode::Disable);
        assert_eq!(of("?sslmode=verify-full&sslrootcert=system").1, Trust::Roots(None));
        assert_eq!(
            of("?sslmode=require&sslrootcert=ca.pem").1,
            Trust::Roots(Some("ca.pem".into()))
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, said) in [
            ("postgresql://bob:hun@ter2@db.example/crm", "it has more than one `@`"),
            ("postgresql://bob:hunter2@db.example/crm?hunter2", "expected `postgresql://"),
            ("host=db.example password=hunter2 hunter2=x", "expected `postgresql://"),
            ("host=db.example password=hunter2 sslkey=x", "`sslkey` is not read here"),
            ("dbname=crm password=hunter2", "it names no host"),
            ("postgresql://bob:hunter2@db.example/crm?sslmode=hunter2", "its `sslmode` is none of"),
            ("", "it names no host"),
        ] {
            let reason = Connection::parse(text).unwrap_err();
            assert!(reason.starts_with(said) && !reason.contains("hunter2"), "{text}: {reason}");
        }
    }
}
