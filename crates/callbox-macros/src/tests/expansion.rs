use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use super::{Registered, errors, expand, implementation, registrations};
use crate::reply;

/// The one method of a block with `function`, without a prefix.
fn method(function: TokenStream) -> Registered {
    let file = expand(quote!(), quote!(impl Orders { #function }));
    assert_eq!(errors(&file), [""; 0]);
    let mut methods = registrations(&file);
    assert_eq!(methods.len(), 1);
    methods.remove(0)
}

#[test]
fn names_are_of_the_prefix_and_the_function() {
    fn check(args: TokenStream, function: TokenStream, expected: &str) {
        let file = expand(args, quote!(impl Orders { #function }));
        assert_eq!(registrations(&file)[0].name, expected);
    }
    check(quote!(), quote! { fn count(&self) {} }, "count");
    check(quote!(prefix = "orders"), quote! { fn count(&self) {} }, "orders.count");
    check(quote!(prefix = "shop.orders",), quote! { fn count(&self) {} }, "shop.orders.count");
    check(quote!(prefix = "orders"), quote! { fn r#type(&self) {} }, "orders.type");
    check(
        quote!(prefix = "orders"),
        quote! { #[method(name = "a b")] fn count() {} },
        "orders.a b",
    );
    check(quote!(prefix = "orders"), quote! { #[method] fn count() {} }, "orders.count");
}

#[test]
fn help_is_the_doc_comment() {
    fn check(comment: &str, expected: &str) {
        let comment: TokenStream = comment.parse().unwrap();
        assert_eq!(method(quote!(#comment fn count(&self) {})).help, expected);
    }
    check("", "");
    check("/// How many.", "How many.");
    check("///  How many.\n///\n///   - of\n///all ", "How many.\n\n  - of\nall");
    check("/** How\n many. */", "How\nmany.");
    check("#[doc = \"How\"] #[allow(unused)] #[doc(hidden)] /// many.", "How\nmany.");
}

#[test]
fn parameters_keep_their_names() {
    fn check(params: TokenStream, expected: &[&str]) {
        assert_eq!(method(quote!(fn count(#params) {})).names, expected);
    }
    check(quote!(), &[]);
    check(quote!(&self), &[]);
    check(quote!(&self, kind: String, mut count: i64), &["kind", "count"]);
    check(quote!(r#type: String, _id: i64, __id: i64), &["type", "id", "_id"]);
    check(quote!(&self, a: i64, caller: &Caller, b: i64), &["a", "b"]);
    check(quote!(caller: callbox::Caller), &[]);
    let eight = quote!(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8);
    check(quote!(&self, caller: &Caller, #eight), &["a", "b", "c", "d", "e", "f", "g", "h"]);
}

#[test]
fn functions_become_closures() {
    fn check(function: TokenStream, add: &str, expected: TokenStream) {
        let method = method(function);
        assert_eq!((&*method.add, method.closure), (add, expected.to_string()));
    }
    fn returned(call: TokenStream) -> TokenStream {
        quote! {
            use ::callbox::__private::Plain as _;
            ::callbox::__private::Returned(#call).reply()
        }
    }

    let body = returned(quote!(Self::count(this, &caller, ::callbox::__private::param(value_1))));
    check(
        quote! { fn count(&self, caller: &Caller, kind: String) -> usize {} },
        "add",
        quote!(|this: &Self, caller: ::callbox::Caller, value_1: String| { #body }),
    );
    let body = returned(quote!(Self::r#find(this, ::callbox::__private::param(value_0), caller)));
    check(
        quote! { fn r#find(self: Arc<Self>, id: i64, caller: Caller) {} },
        "add",
        quote!(|this: ::std::sync::Arc<Self>, caller: ::callbox::Caller, value_0: i64| { #body }),
    );
    let body = returned(quote!(Self::wait(this, ::callbox::__private::param(value_0)).await));
    check(
        quote! { async fn wait(self: std::sync::Arc<Self>, id: i64) -> Answer {} },
        "add",
        quote!(|this: ::std::sync::Arc<Self>, value_0: i64| async move { #body }),
    );
    let body = returned(quote!(Self::wait(&this, ::callbox::__private::param(value_0)).await));
    check(
        quote! { async fn wait(&self, id: i64) -> Answer {} },
        "add",
        quote!(|this: ::std::sync::Arc<Self>, value_0: i64| async move { #body }),
    );
    let body = returned(quote!(Self::now().await));
    check(
        quote! { async fn now() {} },
        "add",
        quote!(|_: ::std::sync::Arc<Self>| async move { #body }),
    );
    let body = returned(quote!(Self::total(
        ::callbox::__private::param(value_0),
        ::callbox::__private::param(value_1)
    )));
    check(
        quote! { #[method(blocking)] const fn total(a: i64, b: Option<i64>) -> i64 {} },
        "add_blocking",
        quote!(|_: &Self, value_0: i64, value_1: Option<i64>| { #body }),
    );
    let body = returned(quote!(Self::report(this)));
    check(
        quote! { fn report(self: &Self) -> &'static str {} },
        "add",
        quote!(|this: &Self| { #body }),
    );
}

#[test]
fn the_block_stays_but_for_its_attributes() {
    let file = expand(
        quote!(prefix = "orders"),
        quote! {
            impl<T: Store> Orders<T>
            where
                T: Clone,
            {
                const LIMIT: usize = 3;
                log!();
                #[method(name = "sum")]
                #[must_use]
                fn total(&self) {}
                #[method(skip)]
                fn helper<U>(&mut self, (a, b): (&str, U)) -> impl Sized {}
            }
        },
    );
    assert_eq!(errors(&file), [""; 0]);
    let block = quote! {
        impl<T: Store> Orders<T>
        where
            T: Clone,
        {
            const LIMIT: usize = 3;
            log!();
            #[must_use]
            fn total(&self) {}
            fn helper<U>(&mut self, (a, b): (&str, U)) -> impl Sized {}
        }
    };
    assert_eq!(file.items[0].to_token_stream().to_string(), block.to_string());
    let names: Vec<_> = registrations(&file).into_iter().map(|method| method.name).collect();
    assert_eq!(names, ["orders.sum"]);

    let mut implementation = implementation(&file).clone();
    implementation.items.clear();
    let expected = quote! {
        #[automatically_derived]
        impl<T: Store> ::callbox::Methods for Orders<T>
        where
            T: Clone,
        {
        }
    };
    assert_eq!(implementation.to_token_stream().to_string(), expected.to_string());
}

#[test]
fn conditions_and_allowances_are_carried_over() {
    let file = expand(
        quote!(),
        quote! {
            #[allow(clippy::absolute_paths)]
            impl Orders {
                #[cfg(unix)]
                #[expect(clippy::box_collection, reason = "it is so")]
                #[deprecated]
                #[inline]
                fn count(&self) {}
                #[cfg(not(unix))]
                fn count(&self) {}
            }
        },
    );
    assert_eq!(errors(&file), [""; 0]);
    let text = implementation(&file).to_token_stream().to_string();
    assert!(text.starts_with(&quote!(#[allow(clippy::absolute_paths)]).to_string()), "{text}");
    let unix = quote! {
        #[cfg(unix)]
        #[allow(clippy::box_collection, reason = "it is so")]
        #[allow(deprecated)]
        scope.add
    };
    assert!(text.contains(&unix.to_string()), "{text}");
    assert!(text.contains(&quote!(; #[cfg(not(unix))] scope.add).to_string()), "{text}");
}

#[test]
fn replies_are_read_and_written_by_serde() {
    let body = quote! {
        fn type_name() -> ::callbox::TypeName {
            ::callbox::__private::type_name::<Self>()
        }

        fn into_result(self) -> ::std::result::Result<::callbox::Value, ::callbox::Failure> {
            ::callbox::__private::into_result(self)
        }
    };
    let check = |item, header: TokenStream| {
        let expected = quote!(#[automatically_derived] #header { #body });
        assert_eq!(reply::expand(item).to_string(), expected.to_string());
    };
    check(
        quote! { struct Order { id: i64 } },
        quote!(impl ::callbox::Reply for Order where Self: ::callbox::__private::Serde),
    );
    check(
        quote! { enum Page<'a, T: Clone = i64, const N: usize = 3> where T: Store { Of([&'a T; N]) } },
        quote! {
            impl<'a, T: Clone, const N: usize> ::callbox::Reply for Page<'a, T, N>
            where
                T: Store,
                Self: ::callbox::__private::Serde
        },
    );
}
