//! The methods of an XML-RPC server that are published here, and how calls reach them.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callbox::{Awaited, Caller, CatalogMethod, CatalogPattern, Fault, Handler, Value};
use tokio::time::sleep;
use tracing::info;

use super::glob::{is_name, is_reserved};
use super::introspection::{Description, Listed, describe, list};
use super::publication::Publication;
use super::taken::Taken;
use super::trail::Trail;
use super::xml::XmlUpstream;

/// First and longest time until a server is asked again for its methods that did not tell them.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How long what a server told of its methods is believed.
const MAX_AGE: Duration = Duration::from_secs(300);

/// Methods by their names over there, and what they do where that is known.
type Told = BTreeMap<String, Option<Description>>;

/// The methods of an XML-RPC server that are published here.
pub struct XmlMethods {
    upstream: Arc<XmlUpstream>,
    publication: Publication,
    taken: Arc<Taken>,
    has_multicall: AtomicBool,
    /// What the server told of its methods, kept while it is down.
    told: Mutex<Told>,
}

impl XmlMethods {
    /// What is published of `upstream`, except for the names that are `taken`. Nothing is asked yet.
    pub fn new(upstream: XmlUpstream, publication: Publication, taken: Arc<Taken>) -> Self {
        let names = publication.allow.iter().filter_map(|glob| glob.as_name());
        let names = names.filter(|name| publication.allows(name)).map(str::to_owned);
        let told = Mutex::new(names.map(|name| (name, None)).collect());
        let (upstream, has_multicall) = (Arc::new(upstream), AtomicBool::new(false));
        Self { upstream, publication, taken, has_multicall, told }
    }

    /// Keeps what an `older` reading of the file knows of the same server, until that is asked anew.
    pub fn learn_from(&self, older: &Self) {
        if !self.upstream.is_same(&older.upstream) {
            return;
        }
        self.has_multicall.store(older.asks_together(), Ordering::Relaxed);
        let known = older.told().clone().into_iter();
        self.told().extend(known.filter(|(theirs, _)| self.is_published(theirs)));
    }

    /// The methods whose names are known, by those that they have here.
    pub fn methods(self: &Arc<Self>) -> Vec<CatalogMethod> {
        let told = self.told();
        let methods = told.iter().map(|(theirs, description)| {
            let name = format!("{}{theirs}", self.publication.prefix);
            let Description { help, signatures } = description.clone().unwrap_or_default();
            let method = CatalogMethod::new(name, help, self.clone());
            signatures.into_iter().fold(method, CatalogMethod::signature)
        });
        methods.collect()
    }

    /// The patterns for what is allowed and not known by name.
    pub fn patterns(self: &Arc<Self>) -> Vec<CatalogPattern> {
        let globs = self.publication.allow.iter().filter(|glob| glob.as_name().is_none());
        let patterns = globs.cloned().map(|glob| {
            let label = format!("{}{glob}", self.publication.prefix);
            let this = self.clone();
            let fits = move |name: &str| this.theirs(name).is_some_and(|theirs| glob.fits(theirs));
            CatalogPattern::new(label, fits, self.clone())
        });
        patterns.collect()
    }

    /// The name over there of what is called `name` here, if it is published.
    fn theirs<'a>(&self, name: &'a str) -> Option<&'a str> {
        let is_ours = is_name(name) && !is_reserved(name) && !self.taken.methods.contains(name);
        self.publication.published(name).filter(|_| is_ours)
    }

    fn is_published(&self, theirs: &str) -> bool {
        self.theirs(&format!("{}{theirs}", self.publication.prefix)).is_some()
    }

    /// Asks the server for its methods, at once and again and again. `publish` is called where
    /// there is news.
    pub async fn keep_asking(self: Arc<Self>, publish: impl Fn()) {
        let (mut pause, mut is_first) = (ASK_AGAIN.0, true);
        loop {
            let Ok(listed) = list(&self.upstream, |theirs| self.is_published(theirs)).await else {
                sleep(pause).await;
                pause = (pause * 2).min(ASK_AGAIN.1);
                continue;
            };
            self.learn(listed, is_first, &publish).await;
            (pause, is_first) = (ASK_AGAIN.0, false);
            sleep(MAX_AGE).await;
        }
    }

    /// Takes the names at once, and what they mean when that is known: for all of them the first
    /// time, then for new ones.
    async fn learn(&self, listed: Listed, is_first: bool, publish: &impl Fn()) {
        let Listed { names, has_multicall } = listed;
        self.has_multicall.store(has_multicall, Ordering::Relaxed);
        let (is_news, undescribed) = self.take_names(&names);
        if is_news {
            publish();
        }
        let asked = if is_first { names } else { undescribed };
        if asked.is_empty() {
            return;
        }
        let upstream = self.upstream.name();
        info!(upstream, names = asked.len(), "methods of an upstream are known");
        let descriptions = describe(&self.upstream, &asked, has_multicall).await;
        if self.take_descriptions(asked, descriptions) {
            publish();
        }
    }

    /// Takes what is listed, beside what is allowed by its name. Gives back whether names came or
    /// went, and those that nothing else is known of.
    fn take_names(&self, listed: &[String]) -> (bool, Vec<String>) {
        let names: HashSet<&String> = listed.iter().collect();
        let mut told = self.told();
        let before = told.len();
        told.retain(|name, _| names.contains(name) || self.publication.names(name));
        let left = told.len();
        for name in listed {
            told.entry(name.clone()).or_default();
        }
        let unknown = listed.iter().filter(|name| told.get(*name).is_none_or(Option::is_none));
        (left != before || told.len() != left, unknown.cloned().collect())
    }

    /// Gives back whether any is another than before.
    fn take_descriptions(
        &self,
        names: Vec<String>,
        descriptions: Vec<Option<Description>>,
    ) -> bool {
        let mut told = self.told();
        let mut is_news = false;
        for (name, description) in names.into_iter().zip(descriptions) {
            // Where the server went down meanwhile, what it said before holds.
            if let (Some(known), Some(_)) = (told.get_mut(&name), &description) {
                is_news |= *known != description;
                *known = description;
            }
        }
        is_news
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // Nothing panics while it holds this, and what it guards is whole at any time.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name over there and what goes with it, if it may.
    fn judged(&self, name: &str, params: &[Value]) -> Result<String, Fault> {
        let theirs = self.theirs(name).ok_or_else(|| Fault::method_not_found(name))?;
        self.publication.check(theirs, params)?;
        Ok(theirs.to_owned())
    }
}

impl Handler for XmlMethods {
    fn call(
        &self,
        name: &str,
        params: Vec<Value>,
        caller: &Caller,
    ) -> Awaited<Result<Value, Fault>> {
        let (judged, trail) = (self.judged(name, &params), Trail::of(caller));
        let upstream = self.upstream.clone();
        Box::pin(async move { upstream.call(&judged?, params, &trail).await })
    }

    fn asks_together(&self) -> bool {
        self.has_multicall.load(Ordering::Relaxed)
    }

    fn call_together(
        &self,
        calls: Vec<(String, Vec<Value>)>,
        caller: &Caller,
    ) -> Awaited<Vec<Result<Value, Fault>>> {
        let mut allowed = Vec::with_capacity(calls.len());
        let places = calls.into_iter().map(|(name, params)| {
            allowed.push((self.judged(&name, &params)?, params));
            Ok(())
        });
        let places: Vec<Result<(), Fault>> = places.collect();
        let (upstream, trail) = (self.upstream.clone(), Trail::of(caller));
        Box::pin(async move {
            let mut results = upstream.call_together(allowed, &trail).await.into_iter();
            let mut result = |()| results.next().unwrap_or_else(|| Err(Fault::internal()));
            places.into_iter().map(|place| place.and_then(&mut result)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::num::NonZeroUsize;

    use svc_runtime::metrics::Metrics;

    use crate::gateway::answer_memory::AnswerMemory;
    use crate::gateway::glob::Glob;
    use crate::gateway::settings::XmlrpcSettings;
    use crate::upstream_metrics::AllUpstreamMetrics;

    /// The methods in `d.` and `a` of a server at whose port nobody is.
    fn methods() -> XmlMethods {
        let settings = XmlrpcSettings {
            name: "rt".to_owned(),
            endpoint: "http://127.0.0.1:1".parse().unwrap(),
            timeout: Duration::from_secs(1),
            connections: NonZeroUsize::MIN,
            waiting: 0,
            max_response_bytes: 1_024,
        };
        let metrics = AllUpstreamMetrics::new(&Metrics::new()).of("rt");
        let upstream = XmlUpstream::new(settings, AnswerMemory::new(0), metrics);
        let publication = Publication {
            prefix: String::new(),
            allow: ["a", "d.*"].map(|text| Glob::new(text).unwrap()).to_vec(),
            deny: Vec::new(),
            params: Vec::new(),
        };
        XmlMethods::new(upstream, publication, Arc::default())
    }

    #[tokio::test]
    async fn what_is_known_already_is_not_published_again() {
        let (methods, published) = (methods(), Cell::new(0));
        let publish = || published.set(published.get() + 1);
        for (names, expected) in [
            (&["a"][..], 0),
            (&["a", "d.x"], 1),
            (&["d.x", "a"], 1),
            (&["d.y", "a"], 2),
            (&[], 3),
            (&[], 3),
        ] {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            methods.learn(Listed { names, has_multicall: false }, false, &publish).await;
            assert_eq!(published.get(), expected);
        }
        let described = |help: &str| {
            let help = help.to_owned();
            let description = Description { help, signatures: Vec::new() };
            methods.take_descriptions(vec!["a".to_owned()], vec![Some(description)])
        };
        assert!(described("Adds.") && !described("Adds.") && described("Subtracts."));
        assert!(!methods.take_descriptions(vec!["a".to_owned()], vec![None]));
    }
}
