//! Methods as the registration of closures.
//!
//! All that is written has the hygiene of a macro, so that it meets neither the user's variables
//! nor lints for code that nobody wrote; and the place of what it stands for, so that the compiler
//! points there when a type does not fit.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemImpl, LitStr};

use crate::attribute::allowances;
use crate::method::{Kind, Method};
use crate::param::Param;
use crate::receiver::Receiver;

/// The implementation of `Methods` for the type of `block`.
pub(crate) fn implementation(
    block: &ItemImpl,
    prefix: Option<&str>,
    methods: &[Method],
) -> TokenStream {
    let ty = &block.self_ty;
    let (generics, _, condition) = block.generics.split_for_impl();
    let allowances = allowances(&block.attrs);
    let registrations = methods.iter().map(|method| registration(method, prefix));
    quote_spanned! {written_at(ty.span())=>
        #(#allowances)*
        #[automatically_derived]
        impl #generics ::callbox::Methods for #ty #condition {
            fn publish(this: ::std::sync::Arc<Self>, registry: &mut ::callbox::Registry) {
                let mut scope = registry.with_shared(this);
                #(#registrations)*
            }
        }
    }
}

/// The span of code that a macro writes for what stands at `place`.
pub(crate) fn written_at(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

fn registration(method: &Method, prefix: Option<&str>) -> TokenStream {
    let Method { ident, name, help, cfgs, allowances, kind, params, .. } = method;
    let span = written_at(ident.span());
    let name = match prefix {
        Some(prefix) => LitStr::new(&format!("{prefix}.{name}"), span),
        None => LitStr::new(name, span),
    };
    let add = match kind {
        Kind::Blocking => Ident::new("add_blocking", span),
        Kind::Inline | Kind::Async => Ident::new("add", span),
    };
    let closure = closure(method);
    let names = names(params, span);
    quote_spanned!(span=> #(#cfgs)* #(#allowances)* scope.#add(#name, #help, #closure)#names;)
}

fn names(params: &[Param], span: Span) -> Option<TokenStream> {
    let names = params.iter().filter_map(|param| match param {
        Param::Value { name, .. } => Some(LitStr::new(name, span)),
        Param::Caller { .. } => None,
    });
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| quote_spanned!(span=> .names([#(#names),*])))
}

fn closure(method: &Method) -> TokenStream {
    let span = written_at(method.ident.span());
    let inputs = inputs(method);
    let body = body(method);
    match method.kind {
        Kind::Async => quote_spanned!(span=> |#(#inputs),*| async move { #body }),
        Kind::Inline | Kind::Blocking => quote_spanned!(span=> |#(#inputs),*| { #body }),
    }
}

/// The parameters of the closure: what the methods share, the caller, the values.
fn inputs(method: &Method) -> Vec<TokenStream> {
    let mut inputs = vec![shared_input(method)];
    inputs.extend(method.params.iter().filter_map(caller_input));
    inputs.extend(method.params.iter().enumerate().filter_map(value_input));
    inputs
}

fn shared_input(method: &Method) -> TokenStream {
    let span = written_at(method.ident.span());
    let name = match method.receiver {
        Receiver::None => quote_spanned!(span=> _),
        Receiver::Borrowed | Receiver::Shared => quote_spanned!(span=> this),
    };
    // A future outlives the call that starts it, so it owns its share.
    match (method.kind, method.receiver) {
        (Kind::Async, _) | (_, Receiver::Shared) => {
            quote_spanned!(span=> #name: ::std::sync::Arc<Self>)
        }
        _ => quote_spanned!(span=> #name: &Self),
    }
}

fn caller_input(param: &Param) -> Option<TokenStream> {
    match param {
        Param::Caller { span, .. } => {
            Some(quote_spanned!(written_at(*span)=> caller: ::callbox::Caller))
        }
        Param::Value { .. } => None,
    }
}

fn value_input((index, param): (usize, &Param)) -> Option<TokenStream> {
    match param {
        Param::Value { ty, .. } => {
            let name = value_name(index, ty.span());
            Some(quote_spanned!(written_at(ty.span())=> #name: #ty))
        }
        Param::Caller { .. } => None,
    }
}

/// A name of our own, since the user's may begin with an underscore, which says that it is unused.
fn value_name(index: usize, place: Span) -> Ident {
    format_ident!("value_{index}", span = written_at(place))
}

fn body(method: &Method) -> TokenStream {
    let span = written_at(method.result);
    let call = call(method);
    quote_spanned! {span=>
        use ::callbox::__private::Plain as _;
        ::callbox::__private::Returned(#call).reply()
    }
}

fn call(method: &Method) -> TokenStream {
    let span = written_at(method.ident.span());
    let mut ident = method.ident.clone();
    ident.set_span(span);
    let shared = match (method.receiver, method.kind) {
        (Receiver::None, _) => None,
        (Receiver::Borrowed, Kind::Async) => Some(quote_spanned!(span=> &this)),
        _ => Some(quote_spanned!(span=> this)),
    };
    let arguments = shared.into_iter().chain(method.params.iter().enumerate().map(argument));
    let wait = (method.kind == Kind::Async).then(|| quote_spanned!(span=> .await));
    quote_spanned!(span=> Self::#ident(#(#arguments),*) #wait)
}

fn argument((index, param): (usize, &Param)) -> TokenStream {
    match param {
        Param::Caller { borrowed: true, span } => quote_spanned!(written_at(*span)=> &caller),
        Param::Caller { borrowed: false, span } => quote_spanned!(written_at(*span)=> caller),
        Param::Value { ty, .. } => {
            let name = value_name(index, ty.span());
            // Else the compiler only says that the closure is no method.
            quote_spanned!(written_at(ty.span())=> ::callbox::__private::param(#name))
        }
    }
}
