//! Services that exist already, published as methods: what a file says of them, and how they are
//! asked.
//!
//! `file` reads what the operator wrote into `settings` of upstreams and into what is published of
//! them: a `method` that sends a line made by a `template` from its `parameter`s and their `text`s,
//! or a `publication` of an XML-RPC server's methods, by `glob`s and `pattern`s.
//!
//! An upstream is asked through a `pool`: a `queue` for its places, a `back_off` after it failed. A
//! `line` upstream's bytes are cut into lines by an `intake`, into a `reply` by a `framing`, and
//! become a value by an `outcome`. An `xml` upstream is asked in documents, several calls `together`
//! where it takes that, and by `introspection` for what it has.
//!
//! `line_methods` and `xml_methods` are what is published of the two, and lead calls there;
//! [`Gateway`] puts them into a catalog, and reads the file again.

pub mod answer_memory;
mod back_off;
pub mod charset;
pub mod file;
pub mod framing;
pub mod glob;
pub mod intake;
pub mod introspection;
pub mod line;
mod line_connection;
mod line_methods;
pub mod manner;
pub mod method;
pub mod outcome;
pub mod parameter;
pub mod pattern;
pub mod pool;
pub mod publication;
mod queue;
mod reading;
pub mod reply;
pub mod settings;
mod socket;
pub mod taken;
pub mod template;
pub mod text;
mod together;
pub mod trail;
pub mod trouble;
pub mod xml;
pub mod xml_methods;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use callbox::{Catalog, CatalogMethod, RegistryError};
use svc_runtime::file::FileError;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tracing::{error, warn};

use self::answer_memory::AnswerMemory;
use self::file::{GatewayFile, LineService, XmlrpcServer};
use self::line::LineUpstream;
use self::taken::Taken;
use self::xml::XmlUpstream;
use self::xml_methods::XmlMethods;
use crate::upstream_metrics::AllUpstreamMetrics;

/// What a gateway file publishes, while the service runs. Clones are of the same one.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    path: PathBuf,
    taken: Arc<Taken>,
    catalog: Catalog,
    metrics: AllUpstreamMetrics,
    memory: AnswerMemory,
    runtime: Handle,
    edition: Mutex<Edition>,
}

/// What one reading of the file runs.
#[derive(Default)]
struct Running {
    /// Of line services.
    methods: Vec<CatalogMethod>,
    servers: Vec<Arc<XmlMethods>>,
}

/// What one reading of the file runs, and the tasks that ask its servers for their methods. They end
/// with it.
#[derive(Default)]
struct Edition {
    running: Arc<Running>,
    _asking: JoinSet<()>,
}

impl Gateway {
    /// Reads the file at `path` and publishes what it says, except for the names that are `taken`.
    /// What upstreams answer takes of `memory`. Needs a running tokio runtime.
    pub fn load(
        path: PathBuf,
        taken: Taken,
        metrics: AllUpstreamMetrics,
        memory: AnswerMemory,
    ) -> Result<Self, GatewayError> {
        let inner = Inner {
            path,
            taken: Arc::new(taken),
            catalog: Catalog::new(),
            metrics,
            memory,
            runtime: Handle::current(),
            edition: Mutex::default(),
        };
        let gateway = Self(Arc::new(inner));
        gateway.reload()?;
        Ok(gateway)
    }

    /// What it publishes.
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Reads the file again. With a mistake in it nothing is changed; else calls under way end on
    /// what was before.
    pub fn reload(&self) -> Result<(), GatewayError> {
        let file = GatewayFile::read(&self.0.path, &self.0.taken)?;
        for login in &file.shown {
            let file = login.display();
            warn!(%file, "everybody on this machine can read the login of an upstream");
        }
        let running = Arc::new(self.0.running(file));
        let mut edition = self.0.edition();
        running.learn_from(&edition.running);
        running.publish(&self.0.catalog)?;
        *edition = self.0.ask(running);
        Ok(())
    }
}

impl Inner {
    fn running(&self, file: GatewayFile) -> Running {
        let methods = file.line.into_iter().flat_map(|service| self.line_methods(service));
        let servers = file.xmlrpc.into_iter().map(|server| Arc::new(self.xml_methods(server)));
        Running { methods: methods.collect(), servers: servers.collect() }
    }

    fn line_methods(&self, service: LineService) -> Vec<CatalogMethod> {
        let metrics = self.metrics.of(&service.settings.name);
        let encoding = service.settings.encoding;
        let upstream = LineUpstream::new(service.settings, self.memory.clone(), metrics);
        let published = |method| line_methods::published(upstream.clone(), encoding, method);
        service.methods.into_iter().map(published).collect()
    }

    fn xml_methods(&self, server: XmlrpcServer) -> XmlMethods {
        let metrics = self.metrics.of(&server.settings.name);
        let upstream = XmlUpstream::new(server.settings, self.memory.clone(), metrics);
        XmlMethods::new(upstream, server.publication, self.taken.clone())
    }

    /// Has the servers asked for their methods.
    fn ask(self: &Arc<Self>, running: Arc<Running>) -> Edition {
        let mut asking = JoinSet::new();
        for server in &running.servers {
            let (inner, of) = (Arc::downgrade(self), Arc::downgrade(&running));
            let publish = move || Self::publish_news(&inner, &of);
            asking.spawn_on(server.clone().keep_asking(publish), &self.runtime);
        }
        Edition { running, _asking: asking }
    }

    /// Publishes what is `running` anew, unless the file was read again since.
    fn publish_news(inner: &Weak<Self>, running: &Weak<Running>) {
        let (Some(inner), Some(running)) = (inner.upgrade(), running.upgrade()) else { return };
        let edition = inner.edition();
        if !Arc::ptr_eq(&edition.running, &running) {
            return;
        }
        if let Err(cause) = running.publish(&inner.catalog) {
            error!(%cause, "the methods of an upstream cannot be published");
        }
    }

    fn edition(&self) -> MutexGuard<'_, Edition> {
        // Whole at any time, whoever panicked.
        self.edition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Keeps what is known of servers that were there before.
    fn learn_from(&self, older: &Self) {
        for server in &self.servers {
            older.servers.iter().for_each(|older| server.learn_from(older));
        }
    }

    /// Publishes what is known. Of two methods of one name the first one is published.
    fn publish(&self, catalog: &Catalog) -> Result<(), RegistryError> {
        let servers = self.servers.iter();
        let mut methods = self.methods.clone();
        methods.extend(servers.clone().flat_map(XmlMethods::methods));
        let mut names = HashSet::new();
        methods.retain(|method| names.insert(method.name().to_owned()));
        catalog.publish(methods, servers.flat_map(XmlMethods::patterns).collect())
    }
}

/// Why a gateway file does not become methods.
#[derive(Debug)]
pub enum GatewayError {
    /// There is a mistake in it.
    File(FileError),
    /// What it says cannot be published.
    Registry(RegistryError),
}

impl From<FileError> for GatewayError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<RegistryError> for GatewayError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl fmt::Display for GatewayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Registry(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for GatewayError {}
