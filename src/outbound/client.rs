//! The client that all calls go through.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::outbound::Network;
use crate::outbound::network::is_public;

/// How much of an answer is read; the rest is left with the sender.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls systems: over https anywhere on the public internet, and over https or http within the
/// networks that the operator has named. Every address is checked when it is connected to, so a
/// name that points elsewhere later reaches nothing either. Redirects are not followed, and
/// proxies of the environment are not used: both would lead around the check.
#[derive(Clone, Debug)]
pub struct Outbound {
    anywhere: Client,
    within: Client,
    networks: Arc<[Network]>,
}

/// What a system answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, or its first 64 KiB.
    pub body: Vec<u8>,
}

/// Why a URL may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("send a URL such as `https://crm.example.com/hooks`")]
    Syntax,
    /// It is neither `https` nor, for systems of the firm, `http`.
    #[error("the URL must begin with `https://`; `http://` is for the operator's networks")]
    Scheme,
    /// It carries a user name or a password.
    #[error("leave user name and password out of the URL: the signature proves who sends")]
    Credentials,
    /// Its address is not public and the operator has not named its network.
    #[error("the address is not public: the operator must name its network to reach it")]
    Address,
}

/// Why a call has no answer. It names no URL: one may hold a token.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The URL may not be called.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// There was no answer in time.
    #[error("no answer in time")]
    Timeout,
    /// Nobody could be reached there, or the name leads to an address that may not be.
    #[error("no connection")]
    Connect,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
}

impl Outbound {
    /// A client that gives up after a time and may reach these networks beside the public internet.
    pub fn new(timeout: Duration, networks: Vec<Network>) -> Result<Self, reqwest::Error> {
        // The process may have a provider already, which then is the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let networks: Arc<[Network]> = networks.into();
        let client = |public| {
            let guard = Guard { networks: Arc::clone(&networks), public };
            Client::builder()
                .user_agent(concat!("fenzhen/", env!("CARGO_PKG_VERSION")))
                .timeout(timeout)
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(Policy::none())
                .no_proxy()
                .dns_resolver(guard)
                .build()
        };
        Ok(Self { anywhere: client(true)?, within: client(false)?, networks })
    }

    /// Checks what can be checked without asking for the name's address.
    pub fn check(&self, url: &str) -> Result<(), UrlError> {
        self.parse(url).map(drop)
    }

    /// Posts JSON and answers what came back, whatever its status.
    pub async fn post_json(
        &self,
        url: &str,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, CallError> {
        let (url, client) = self.parse(url)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = client.post(url).headers(headers).body(body);
        let mut response = request.send().await.map_err(|error| call_error(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while body.len() < MAX_ANSWER_BYTES
            && let Some(chunk) = response.chunk().await.map_err(|error| call_error(&error))?
        {
            body.extend_from_slice(&chunk);
        }
        body.truncate(MAX_ANSWER_BYTES);
        Ok(Answer { status, body })
    }

    fn parse(&self, url: &str) -> Result<(Url, &Client), UrlError> {
        let url = Url::parse(url).map_err(|_| UrlError::Syntax)?;
        let (client, public) = match url.scheme() {
            "https" => (&self.anywhere, true),
            "http" if !self.networks.is_empty() => (&self.within, false),
            _ => return Err(UrlError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let host = url.host_str().ok_or(UrlError::Syntax)?;
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        // A name is checked when it is resolved; an address never is.
        let guard = Guard { networks: Arc::clone(&self.networks), public };
        if literal.is_ok_and(|address| !guard.allows(address)) {
            return Err(UrlError::Address);
        }
        Ok((url, client))
    }
}

fn call_error(error: &reqwest::Error) -> CallError {
    if error.is_timeout() {
        CallError::Timeout
    } else if error.is_connect() {
        CallError::Connect
    } else {
        CallError::Broken
    }
}

/// Answers addresses that may be reached, and no others.
struct Guard {
    networks: Arc<[Network]>,
    public: bool,
}

impl Guard {
    fn allows(&self, address: IpAddr) -> bool {
        self.public && is_public(address) || self.networks.iter().any(|it| it.contains(address))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Self { networks: Arc::clone(&self.networks), public: self.public };
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|it| guard.allows(it.ip())).collect();
            if allowed.is_empty() {
                return Err(UrlError::Address.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::HeaderMap;

    use super::{Outbound, UrlError};

    #[test]
    fn what_may_be_called_is_checked_before_it_is_called() {
        let open = |networks: &[&str]| {
            let networks = networks.iter().map(|it| it.parse().unwrap()).collect();
            Outbound::new(Duration::from_secs(1), networks).unwrap()
        };
        let (plain, within) = (open(&[]), open(&["10.0.0.0/8"]));
        let cases = [
            ("https://crm.example.com/hooks", Ok(()), Ok(())),
            ("https://8.8.8.8/", Ok(()), Ok(())),
            ("http://crm.example.com/", Err(UrlError::Scheme), Ok(())),
            ("http://8.8.8.8/", Err(UrlError::Scheme), Err(UrlError::Address)),
            ("https://10.1.2.3/", Err(UrlError::Address), Ok(())),
            ("http://10.1.2.3/", Err(UrlError::Scheme), Ok(())),
            ("https://127.0.0.1/", Err(UrlError::Address), Err(UrlError::Address)),
            // Other spellings of 127.0.0.1 and of the metadata of clouds.
            ("https://2130706433/", Err(UrlError::Address), Err(UrlError::Address)),
            ("https://0x7f.1/", Err(UrlError::Address), Err(UrlError::Address)),
            ("https://[::ffff:127.0.0.1]/", Err(UrlError::Address), Err(UrlError::Address)),
            ("https://169.254.169.254/", Err(UrlError::Address), Err(UrlError::Address)),
            (
                "https://a:b@crm.example.com/",
                Err(UrlError::Credentials),
                Err(UrlError::Credentials),
            ),
            ("ftp://crm.example.com/", Err(UrlError::Scheme), Err(UrlError::Scheme)),
            ("crm.example.com", Err(UrlError::Syntax), Err(UrlError::Syntax)),
        ];
        for (url, expected, expected_within) in cases {
            assert_eq!(plain.check(url), expected, "{url}");
            assert_eq!(within.check(url), expected_within, "{url} within 10.0.0.0/8");
        }
    }

    /// `localhost` is a name like any other: what counts is where it leads.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let outbound = Outbound::new(Duration::from_secs(5), Vec::new()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        outbound.check(&url).unwrap();
        let error = outbound.post_json(&url, HeaderMap::new(), Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "no connection");
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}
