//! The words of `#[methods(..)]` and `#[method(..)]`.

use std::mem;

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Attribute, Error, LitStr, Meta, Path, Result};

/// The prefix in `#[methods(prefix = "..")]`, if there is one.
pub(crate) fn prefix(args: TokenStream) -> Result<Option<String>> {
    if let Ok(literal) = syn::parse2::<LitStr>(args.clone()) {
        let text = "the prefix has a name: `#[methods(prefix = \"..\")]`";
        return Err(Error::new_spanned(literal, text));
    }
    let mut prefix = None;
    let read = syn::meta::parser(|meta| match meta.path.is_ident("prefix") {
        true => once(&mut prefix, &meta, name),
        false => Err(meta.error("`methods` knows `prefix` only")),
    });
    read.parse2(args)?;
    Ok(prefix)
}

/// What `#[method(..)]` says of a function.
#[derive(Default)]
pub(crate) struct Options {
    /// What the method is called in place of the function's name.
    pub(crate) name: Option<String>,
    /// Where it says that the function may block.
    pub(crate) blocking: Option<Path>,
    skip: Option<Path>,
}

impl Options {
    /// Takes the options out of a function's attributes. There are none of a function that is
    /// skipped.
    pub(crate) fn take(attrs: &mut Vec<Attribute>) -> Result<Option<Self>> {
        let (own, others) = mem::take(attrs).into_iter().partition(is_own);
        *attrs = others;
        let mut options = Self::default();
        for attr in own {
            options.read(&attr)?;
        }
        options.unless_skipped()
    }

    fn read(&mut self, attr: &Attribute) -> Result<()> {
        if matches!(attr.meta, Meta::Path(_)) {
            return Ok(());
        }
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                once(&mut self.name, &meta, name)
            } else if meta.path.is_ident("blocking") {
                once(&mut self.blocking, &meta, word)
            } else if meta.path.is_ident("skip") {
                once(&mut self.skip, &meta, word)
            } else {
                Err(meta.error("`method` knows `name`, `blocking` and `skip` only"))
            }
        })
    }

    fn unless_skipped(self) -> Result<Option<Self>> {
        match &self.skip {
            Some(skip) if self.name.is_some() || self.blocking.is_some() => {
                Err(Error::new_spanned(
                    skip,
                    "a function that is skipped is no method: nothing else is said of it",
                ))
            }
            Some(_) => Ok(None),
            None => Ok(Some(self)),
        }
    }
}

/// Takes the `#[method]` attributes off a function.
pub(crate) fn strip(attrs: &mut Vec<Attribute>) {
    attrs.retain(|attr| !is_own(attr));
}

/// The lints that are not wanted of the code under `attrs`, nor of what is made of it.
pub(crate) fn allowances(attrs: &[Attribute]) -> Vec<TokenStream> {
    attrs.iter().filter_map(|attr| allowance(&attr.meta)).collect()
}

fn allowance(meta: &Meta) -> Option<TokenStream> {
    match meta {
        // Its own block publishes the function: that is no use of it to warn of.
        meta if meta.path().is_ident("deprecated") => Some(quote!(#[allow(deprecated)])),
        // What is expected where it is written, need not come true elsewhere.
        Meta::List(list) if list.path.is_ident("allow") || list.path.is_ident("expect") => {
            let lints = &list.tokens;
            Some(quote!(#[allow(#lints)]))
        }
        _ => None,
    }
}

fn is_own(attr: &Attribute) -> bool {
    attr.path().is_ident("method")
}

fn once<T>(
    slot: &mut Option<T>,
    meta: &ParseNestedMeta,
    read: impl FnOnce(&ParseNestedMeta) -> Result<T>,
) -> Result<()> {
    match slot.replace(read(meta)?) {
        None => Ok(()),
        Some(_) => Err(meta.error("this is said twice")),
    }
}

fn word(meta: &ParseNestedMeta) -> Result<Path> {
    Ok(meta.path.clone())
}

fn name(meta: &ParseNestedMeta) -> Result<String> {
    let literal: LitStr = meta.value()?.parse()?;
    let name = literal.value();
    if name.is_empty() {
        return Err(Error::new_spanned(literal, "a name has at least one character"));
    }
    if name.starts_with('.') || name.ends_with('.') {
        return Err(Error::new_spanned(
            literal,
            "a name neither begins nor ends with a dot: dots are put between prefix and name",
        ));
    }
    Ok(name)
}
