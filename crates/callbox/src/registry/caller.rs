//! Who calls, and how the call came here.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use svc_runtime::network::Network;
use svc_runtime::presence::Presence;
use svc_runtime::share::Share;
use svc_runtime::stream::{self, Origin, Secrecy};
use tokio::sync::OwnedSemaphorePermit;

use super::forwarded;
use super::identity::{Account, Identity};
use super::request_id::{self, is_request_id};
use super::trace::trace_id;

/// The header with a request's id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header with the trace that a request is a part of.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Who calls a method, and how the call came here. A method that wants to know has a parameter of
/// this type, by value anywhere or, in a function that is not async, by reference as its first.
/// The entries of a multicall have the same caller.
#[derive(Clone)]
pub struct Caller {
    connection: Arc<Connection>,
    door: Door,
    id: HeaderValue,
    headers: HeaderMap,
    /// `None` where nobody is asked who they are, and may call everything.
    identity: Option<Arc<Identity>>,
    deadline: Option<Instant>,
}

/// Without the headers, in which there may be credentials.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("peer", &self.peer())
            .field("listener", &self.listener())
            .field("door", &self.door)
            .field("account", &self.account())
            .field("request_id", &self.request_id())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// What is known of a call's connection.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) peer: Peer,
    pub(crate) listener: Option<&'static str>,
    /// Who can read along.
    pub(crate) secrecy: Secrecy,
    /// The subject of the client's certificate, as RFC 2253 writes it.
    pub(crate) certificate: Option<Arc<str>>,
    /// Peers that tell for whom they call.
    pub(crate) trusted: Arc<[Network]>,
    /// Whether its peer is still there, where that is known.
    pub(crate) presence: Option<Arc<Presence>>,
    /// What its address has of all calls in work, if that has a share.
    pub(crate) share: Option<Share>,
    /// Memory that the results of the multicall in work take: a connection has one call at a time.
    pub(crate) room: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Connection {
    /// A connection that another program accepted.
    pub(crate) fn foreign(peer: Peer) -> Self {
        Self {
            peer,
            listener: None,
            secrecy: Secrecy::Open,
            certificate: None,
            trusted: Arc::default(),
            presence: None,
            share: None,
            room: Arc::default(),
        }
    }

    /// The same, where the peers of the networks `trusted` are believed in whose name they call.
    pub(crate) fn trusting(self, trusted: Arc<[Network]>) -> Self {
        Self { trusted, ..self }
    }

    /// The same, whose calls are a part of `share`.
    pub(crate) fn sharing(self, share: Option<Share>) -> Self {
        Self { share, ..self }
    }

    /// Who calls by a request with `headers`: the peer, or for whom that does where it is trusted.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Peer {
        let Peer::Inet(addr) = self.peer else { return self.peer };
        let forwarded = forwarded::caller(addr.ip(), &self.trusted, headers);
        forwarded.map_or(self.peer, Peer::Forwarded)
    }

    /// Keeps `room`, and gives back what was kept before.
    pub(crate) fn keep_room(&self, room: Option<OwnedSemaphorePermit>) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = room;
    }

    /// A connection of our own, whose `presence` is told by its stream.
    pub(crate) fn new(origin: &Origin, presence: Arc<Presence>) -> Self {
        let peer = match origin.peer {
            stream::Peer::Inet(addr) => Peer::Inet(addr),
            stream::Peer::Unix => Peer::Unix,
        };
        let (listener, presence) = (Some(origin.listener), Some(presence));
        let (secrecy, certificate) = (origin.secrecy, origin.certificate.clone());
        Self { peer, listener, secrecy, certificate, presence, ..Self::foreign(peer) }
    }
}

/// Where a call came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// An address and port.
    Inet(SocketAddr),
    /// An address that a trusted proxy has told.
    Forwarded(IpAddr),
    /// The other end of a Unix socket, which has no address.
    Unix,
    /// The program that this is mounted in does not tell.
    Unknown,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(addr) => addr.fmt(f),
            Self::Forwarded(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl Peer {
    /// Its address, if it has one; an IPv4 address mapped into IPv6 is the IPv4 one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Inet(addr) => Some(addr.ip().to_canonical()),
            Self::Forwarded(address) => Some(*address),
            Self::Unix | Self::Unknown => None,
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(addr: SocketAddr) -> Self {
        Self::Inet(addr)
    }
}

/// The protocol that a call was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Door {
    /// XML-RPC.
    XmlRpc,
    /// JSON-RPC.
    JsonRpc,
    /// A URL for each method, and JSON.
    Json,
}

impl Door {
    /// All of them, in the order of their declaration.
    pub(super) const ALL: [Self; 3] = [Self::XmlRpc, Self::JsonRpc, Self::Json];
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::XmlRpc => f.write_str("xmlrpc"),
            Self::JsonRpc => f.write_str("jsonrpc"),
            Self::Json => f.write_str("json"),
        }
    }
}

impl Caller {
    /// The caller by `door`, over `connection`, whose request had `headers`.
    pub(crate) fn new(connection: Arc<Connection>, door: Door, headers: HeaderMap) -> Self {
        let own = headers.get(&X_REQUEST_ID).filter(|id| is_request_id(id.as_bytes()));
        let id = own.cloned().unwrap_or_else(request_id::make);
        Self { connection, door, id, headers, identity: None, deadline: None }
    }

    /// The caller has proved to be this, and may call no more than that may.
    pub(crate) fn identify(&mut self, identity: Arc<Identity>) {
        self.identity = Some(identity);
    }

    /// What the caller's account has of all calls in work, if there is one.
    pub(crate) fn account_share(&self) -> Option<&Share> {
        let identity = self.identity.as_ref()?;
        identity.account.is_some().then_some(&identity.share)
    }

    /// Whether the method `name` is there for the caller.
    pub(super) fn may_call(&self, name: &str) -> bool {
        self.identity.as_ref().is_none_or(|identity| identity.permissions.allow(name))
    }

    /// What is known of the connection that the call came over.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// From now on the caller waits no longer than until `deadline`.
    pub(crate) fn wait_until(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// A caller of whom nothing is known, for tests of methods.
    pub fn unknown() -> Self {
        let connection = Connection::foreign(Peer::Unknown);
        Self::new(Arc::new(connection), Door::XmlRpc, HeaderMap::new())
    }

    /// The headers of the request, credentials and all.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Where the call came from: the peer, or whom that names where it is a trusted proxy.
    pub fn peer(&self) -> Peer {
        self.connection.caller(&self.headers)
    }

    /// The role of the listener that the call came by, such as `xmlrpc`; `None` where this is
    /// mounted in a program that listens itself.
    pub fn listener(&self) -> Option<&str> {
        self.connection.listener
    }

    /// The protocol that the call was made by.
    pub fn door(&self) -> Door {
        self.door
    }

    /// Whom the caller has proved to be. `None` for who says nothing, and where there are no
    /// accounts.
    pub fn account(&self) -> Option<&Account> {
        self.identity.as_ref()?.account.as_ref()
    }

    /// The request's id: what `X-Request-Id` says where that is at most
    /// [`MAX_REQUEST_ID`](crate::MAX_REQUEST_ID) of `[A-Za-z0-9._-]`, else 16 hexadecimal digits.
    /// The response has it too; what a method asks of another service should.
    pub fn request_id(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.id.as_bytes())
    }

    /// The same as a header's value.
    pub(crate) fn request_id_value(&self) -> HeaderValue {
        self.id.clone()
    }

    /// The request's `traceparent` (W3C Trace Context), where there is one and it is valid: what a
    /// method passes on to other services.
    pub fn traceparent(&self) -> Option<&str> {
        let mut headers = self.headers.get_all(&TRACEPARENT).iter();
        let (Some(header), None) = (headers.next(), headers.next()) else { return None };
        header.to_str().ok().filter(|header| trace_id(header).is_some())
    }

    /// The id of the trace that the request is a part of, 32 hexadecimal digits, where it says so
    /// by a valid `traceparent`.
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent().and_then(trace_id)
    }

    /// The request's header `name`, if it is there and text. Credentials (`Authorization`,
    /// `Proxy-Authorization`, `Cookie`) are not told.
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_secret = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE]
            .iter()
            .any(|secret| secret.as_str().eq_ignore_ascii_case(name));
        if is_secret { None } else { self.headers.get(name)?.to_str().ok() }
    }

    /// When the caller is told that the method did not end in time; `None` for never.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::MAX_REQUEST_ID;

    fn caller(headers: &[(&'static str, &str)]) -> Caller {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        Caller::new(Arc::new(Connection::foreign(Peer::Unknown)), Door::XmlRpc, map)
    }

    #[test]
    fn request_id_is_the_peers_where_it_is_one() {
        for id in ["a", "A-b_c.9", &"x".repeat(MAX_REQUEST_ID)] {
            let caller = caller(&[("x-request-id", id)]);
            assert_eq!(caller.request_id(), id);
            assert_eq!(caller.request_id_value(), id);
        }
        for id in ["", "a b", "é", "a\"", &"x".repeat(MAX_REQUEST_ID + 1)] {
            let caller = caller(&[("x-request-id", id)]);
            assert_eq!(caller.request_id().len(), 16, "{id}");
            assert_eq!(caller.clone().request_id(), caller.request_id());
            assert_eq!(caller.request_id_value(), *caller.request_id());
        }
        assert_ne!(caller(&[]).request_id(), caller(&[]).request_id());
    }

    #[test]
    fn trace_is_that_of_the_only_traceparent() {
        const ONE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let one = caller(&[("traceparent", ONE)]);
        assert_eq!(one.traceparent(), Some(ONE));
        assert_eq!(one.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
        let mut two = one.clone();
        two.headers.append(TRACEPARENT, HeaderValue::from_static(ONE));
        for none in [two, caller(&[]), caller(&[("traceparent", "00-1-2-3")])] {
            assert_eq!((none.traceparent(), none.trace_id()), (None, None));
        }
    }

    #[test]
    fn credentials_are_not_told() {
        let headers = [("authorization", "Basic YTpi"), ("cookie", "a=b"), ("user-agent", "curl")];
        let caller = caller(&headers);
        assert_eq!(caller.header("User-Agent"), Some("curl"));
        for secret in ["authorization", "Authorization", "cookie", "proxy-authorization"] {
            assert_eq!(caller.header(secret), None);
        }
    }

    #[test]
    fn peers_are_shown_as_addresses() {
        let check = |peer: Peer, expected: &str| assert_eq!(peer.to_string(), expected);
        check(Peer::from(SocketAddr::from(([127, 0, 0, 1], 80))), "127.0.0.1:80");
        check(Peer::Forwarded([192, 0, 2, 1].into()), "192.0.2.1");
        check(Peer::Unix, "unix");
        check(Peer::Unknown, "unknown");
    }
}
