//! Encryption of a connection, as libpq's `sslmode` says it.

use std::path::PathBuf;
use std::sync::Arc;

use postgres::config::SslMode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Whom to take for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whoever answers: the connection is encrypted, and nobody knows with whom.
    Anyone,
    /// A server whose name is signed for by an authority of this PEM file, or of the system.
    Roots(Option<PathBuf>),
}

/// What `sslmode` and `sslrootcert` ask for; unlike libpq, `verify-ca` looks at the name of the server too, and the
/// authorities are the system's where no file is named.
pub(super) fn mode(mode: Option<&str>, roots: Option<String>) -> Result<(SslMode, Trust), String> {
    let file = roots.filter(|roots| roots != "system").map(PathBuf::from);
    let trust_if_given = || match &file {
        Some(_) => Trust::Roots(file.clone()),
        None => Trust::Anyone,
    };
    Ok(match mode {
        None | Some("prefer" | "allow") => (SslMode::Prefer, trust_if_given()),
        Some("disable") => (SslMode::Disable, Trust::Anyone),
        Some("require") => (SslMode::Require, trust_if_given()),
        Some("verify-ca" | "verify-full") => (SslMode::Require, Trust::Roots(file)),
        Some(_) => {
            let known = "`disable`, `prefer`, `require`, `verify-full`";
            return Err(format!("its `sslmode` is none of {known}"));
        }
    })
}

/// What encrypts a connection.
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match trust {
        Trust::Anyone => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        }
        Trust::Roots(file) => builder.with_root_certificates(roots(file.as_ref())?),
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

/// The authorities of the PEM file `file`, or of the system.
fn roots(file: Option<&PathBuf>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let certificates = match file {
        None => rustls_native_certs::load_native_certs().certs,
        Some(path) => {
            let failed = |error: &dyn std::fmt::Display| {
                format!("`sslrootcert` names `{}`, which cannot be read: {error}", path.display())
            };
            CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| failed(&error))?
        }
    };
    store.add_parsable_certificates(certificates);
    if store.is_empty() {
        return Err(
            "no authority is known that could sign for the server; name one with `sslrootcert`"
                .to_owned(),
        );
    }
    Ok(store)
}

/// Takes any certificate, and only looks whether the server has its key: what `sslmode=require` means.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
