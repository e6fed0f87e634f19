use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::File;

use super::{errors, expand, registrations};
use crate::reply;

/// Checks what is wrong with a function of a block, and that the rest of the block goes on.
fn check(function: TokenStream, expected: &[&str]) {
    let file = expand(quote!(), quote!(impl Orders { fn before() {} #function fn after() {} }));
    assert_eq!(errors(&file), expected);
    let names: Vec<_> = registrations(&file).into_iter().map(|method| method.name).collect();
    assert_eq!(names, ["before", "after"], "{expected:?}");
    assert!(!file.items[0].to_token_stream().to_string().contains("# [method"), "{expected:?}");
}

fn check_block(args: TokenStream, item: TokenStream, expected: &[&str]) {
    assert_eq!(errors(&expand(args, item)), expected);
}

#[test]
fn of_parameters() {
    let refused: &[(TokenStream, &str)] = &[
        (quote!(a: &str), "`String` instead of `&str`"),
        (quote!(a: &'static str), "`String` instead of `&str`"),
        (quote!(a: &[i64]), "`Vec<T>` instead of `&[T]`"),
        (quote!(a: &mut [i64]), "`Vec<T>` instead of `&mut [T]`"),
        (quote!(a: &shop::Order), "`Order` instead of `&Order`"),
        (quote!(a: Option<(i64, &str)>), "`String` instead of `&str`"),
        (quote!(a: &Vec<&str>), "what it refers to instead of a reference"),
        (quote!(a: impl Into<i64>), "a type with a name instead of `impl Trait`"),
        (quote!(a: Vec<impl Store>), "a type with a name instead of `impl Trait`"),
    ];
    for (param, message) in refused {
        let message = format!("a method's parameters are values: {message}");
        check(quote!(fn f(&self, #param) {}), &[&message]);
    }
    for pattern in [quote!(_), quote!((a, b)), quote!(ref a), quote!(a @ 1), quote!(Some(a))] {
        check(quote!(fn f(&self, #pattern: i64) {}), &["a method's parameter has a name"]);
    }
    check(
        quote! { fn f(&self, #[cfg(unix)] a: i64) {} },
        &["a method's parameters are always there: no `#[cfg]`"],
    );
    check(quote! { fn f(id: i64, _id: i64) {} }, &["two parameters are called `id`"]);
    let nine = quote!(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8);
    check(quote!(fn f(&self, #nine) {}), &["a method has at most 8 parameters"]);
}

#[test]
fn of_callers() {
    check(
        quote! { fn f(caller: &mut Caller) {} },
        &["a caller is not changed: `&Caller` or `Caller`"],
    );
    check(quote! { fn f(caller: Caller, other: &Caller) {} }, &["a method has one caller"]);
}

#[test]
fn of_results() {
    let refused: &[(TokenStream, &str)] = &[
        (quote!(&str), "`String` instead of `&str`"),
        (quote!(Result<&Order, Fault>), "`Order` instead of `&Order`"),
        (quote!(impl Sized), "a type with a name instead of `impl Trait`"),
        (quote!(Option<impl Sized>), "a type with a name instead of `impl Trait`"),
    ];
    for (result, message) in refused {
        let message = format!("a method's result is a value: {message}");
        check(quote!(fn f(&self) -> #result {}), &[&message]);
    }
}

#[test]
fn of_receivers() {
    let exclusive =
        "methods run at the same time: `&self` instead of `&mut self`, and a lock within";
    check(quote! { fn f(&mut self) {} }, &[exclusive]);
    for receiver in [
        quote!(self),
        quote!(mut self),
        quote!(self: Self),
        quote!(self: Box<Self>),
        quote!(self: &mut Self),
        quote!(self: &Arc<Self>),
        quote!(self: Arc<Box<Self>>),
        quote!(self: Pin<&mut Self>),
    ] {
        check(quote!(fn f(#receiver) {}), &["a method takes `&self` or `self: Arc<Self>`"]);
    }
}

#[test]
fn of_qualifiers() {
    let generic = "a method has no generics: peers send no types";
    for generics in [quote!(T), quote!('a), quote!(const N: usize), quote!('a, T: Store)] {
        check(quote!(fn f<#generics>(&self) {}), &[generic]);
    }
    let unsafety = "a method is safe: no peer can promise anything";
    let abi = "a method has Rust's own ABI";
    check(quote! { unsafe fn f(&self) {} }, &[unsafety]);
    check(quote! { extern "C" fn f(&self) {} }, &[abi]);
    check(
        quote! { unsafe extern "C" fn f(rest: ...) {} },
        &[unsafety, abi, "a method has a fixed number of parameters"],
    );
}

#[test]
fn of_attributes() {
    let blocking = "async functions do not block: drop `blocking`, or the `async`";
    check(quote! { #[method(blocking)] async fn f() {} }, &[blocking]);
    let skipped = "a function that is skipped is no method: nothing else is said of it";
    let unknown = "`method` knows `name`, `blocking` and `skip` only";
    let dotted = "a name neither begins nor ends with a dot: dots are put between prefix and name";
    let refused: &[(TokenStream, &str)] = &[
        (quote!((skip, blocking)), skipped),
        (quote!((name = "g", skip)), skipped),
        (quote!((nam = "g")), unknown),
        (quote!((name = "")), "a name has at least one character"),
        (quote!((name = ".g")), dotted),
        (quote!((name = "g", name = "h")), "this is said twice"),
        (quote!((name)), "expected `=`"),
        (quote!((name = 1)), "expected string literal"),
        (quote!((blocking = true)), "expected `,`"),
        (quote!(= "g"), "expected parentheses: #[method(...)]"),
    ];
    for (words, message) in refused {
        check(quote!(#[method #words] fn f() {}), &[message]);
    }
    check(quote! { #[method(blocking)] #[method(skip)] fn f() {} }, &[skipped]);
}

#[test]
fn of_prefixes() {
    let dotted = "a name neither begins nor ends with a dot: dots are put between prefix and name";
    let refused: &[(TokenStream, &str)] = &[
        (quote!("orders"), "the prefix has a name: `#[methods(prefix = \"..\")]`"),
        (quote!(prefix = ""), "a name has at least one character"),
        (quote!(prefix = "orders."), dotted),
        (quote!(prefix = ".orders"), dotted),
        (quote!(prefix), "expected `=`"),
        (quote!(prefix = "a", prefix = "b"), "this is said twice"),
        (quote!(name = "orders"), "`methods` knows `prefix` only"),
    ];
    for (args, message) in refused {
        check_block(args.clone(), quote!(impl Orders {}), &[message]);
    }
}

#[test]
fn of_names_that_are_taken() {
    let twins = "two methods of this block are called `before`";
    check(quote! { #[method(name = "before")] fn f() {} }, &[twins]);
    check(quote! { #[cfg(unix)] #[method(name = "before")] fn f() {} }, &[twins]);
}

#[test]
fn of_places() {
    let message = "`methods` stands on an `impl` block of a type of one's own";
    let places = [
        quote! { fn f() {} },
        quote! { struct Orders; },
        quote! { trait Store {} },
        quote! { impl Store for Orders { fn f(&self) {} } },
    ];
    for place in places {
        let file = expand(quote!(), place.clone());
        assert_eq!(errors(&file), [message]);
        assert_eq!(file.items[0].to_token_stream().to_string(), place.to_string());
    }
}

#[test]
fn are_told_all_at_once() {
    check_block(
        quote!(prefix = ""),
        quote! {
            impl Orders {
                fn f<T>(&mut self, a: &str, _: i64) -> impl Sized {}
                #[method(skip, name = "h")]
                fn g(self) {}
            }
        },
        &[
            "a name has at least one character",
            "a method has no generics: peers send no types",
            "a method's result is a value: a type with a name instead of `impl Trait`",
            "methods run at the same time: `&self` instead of `&mut self`, and a lock within",
            "a method's parameters are values: `String` instead of `&str`",
            "a method's parameter has a name",
            "a function that is skipped is no method: nothing else is said of it",
        ],
    );
}

#[test]
fn of_replies() {
    let output = reply::expand(quote! { union Order { id: i64, } });
    let file: File = syn::parse2(output).unwrap();
    assert_eq!(errors(&file), ["`Reply` is derived for a struct or an enum"]);
}
