//! One function of a block, as the method that it is.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprLit, ImplItemFn, Lit, Meta, Path, Result, ReturnType, Safety,
    Signature,
};

use crate::attribute::{Options, allowances};
use crate::errors::Errors;
use crate::param::Param;
use crate::receiver::Receiver;
use crate::value::check_result;

/// Where a method runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// At once, where it is called.
    Inline,
    /// Where it may block.
    Blocking,
    /// As a future.
    Async,
}

/// A function that is published.
pub(crate) struct Method {
    /// The function.
    pub(crate) ident: Ident,
    /// What it is called by peers, without a prefix.
    pub(crate) name: String,
    /// What it does, in words.
    pub(crate) help: String,
    /// When there is such a function at all.
    pub(crate) cfgs: Vec<Attribute>,
    /// What the compiler shall not warn of.
    pub(crate) allowances: Vec<TokenStream>,
    /// Where it runs.
    pub(crate) kind: Kind,
    /// How it takes `self`.
    pub(crate) receiver: Receiver,
    /// What else it takes.
    pub(crate) params: Vec<Param>,
    /// Where it says what it returns.
    pub(crate) result: Span,
}

impl Method {
    /// Takes the options off a function and reads what it is; nothing, if it is skipped.
    pub(crate) fn take(function: &mut ImplItemFn) -> Result<Option<Self>> {
        let Some(options) = Options::take(&mut function.attrs)? else { return Ok(None) };
        let mut errors = Errors::default();
        let method = Self::read(function, options, &mut errors);
        errors.none_or(method)
    }

    fn read(function: &ImplItemFn, options: Options, errors: &mut Errors) -> Option<Self> {
        let signature = &function.sig;
        check_qualifiers(signature, errors);
        if let ReturnType::Type(_, ty) = &signature.output {
            check_result(ty, errors);
        }
        let kind = errors.sift(kind(signature, options.blocking));
        let receiver = errors.sift(Receiver::read(signature));
        let params = Param::read_all(signature, errors);
        Some(Self {
            ident: signature.ident.clone(),
            name: options.name.unwrap_or_else(|| signature.ident.unraw().to_string()),
            help: help(&function.attrs),
            cfgs: cfgs(&function.attrs),
            allowances: allowances(&function.attrs),
            kind: kind?,
            receiver: receiver?,
            params,
            result: result_span(signature),
        })
    }
}

fn check_qualifiers(signature: &Signature, errors: &mut Errors) {
    if !signature.generics.params.is_empty() {
        errors.refuse(&signature.generics.params, "a method has no generics: peers send no types");
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        errors.refuse(unsafety, "a method is safe: no peer can promise anything");
    }
    if let Some(abi) = &signature.abi {
        errors.refuse(abi, "a method has Rust's own ABI");
    }
    if let Some(variadic) = &signature.variadic {
        errors.refuse(variadic, "a method has a fixed number of parameters");
    }
}

fn kind(signature: &Signature, blocking: Option<Path>) -> Result<Kind> {
    match (&signature.asyncness, blocking) {
        (Some(_), Some(blocking)) => Err(Error::new_spanned(
            blocking,
            "async functions do not block: drop `blocking`, or the `async`",
        )),
        (Some(_), None) => Ok(Kind::Async),
        (None, Some(_)) => Ok(Kind::Blocking),
        (None, None) => Ok(Kind::Inline),
    }
}

fn result_span(signature: &Signature) -> Span {
    match &signature.output {
        ReturnType::Type(_, ty) => ty.span(),
        ReturnType::Default => signature.ident.span(),
    }
}

fn cfgs(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect()
}

fn help(attrs: &[Attribute]) -> String {
    let comments: Vec<_> = attrs.iter().filter_map(comment).collect();
    let lines = comments.iter().flat_map(|comment| comment.split('\n'));
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.join("\n").trim().to_owned()
}

fn comment(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else { return None };
    match &meta.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if meta.path.is_ident("doc") => {
            Some(text.value())
        }
        _ => None,
    }
}
