//! `#[derive(Reply)]`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{Error, Generics, Ident, Item, Result, parse_quote_spanned};

use crate::expand::written_at;

/// The implementation of `Reply` for a type.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    read(item).map_or_else(Error::into_compile_error, |(ident, generics)| {
        implementation(&ident, generics)
    })
}

fn read(item: TokenStream) -> Result<(Ident, Generics)> {
    match syn::parse2(item)? {
        Item::Struct(item) => Ok((item.ident, item.generics)),
        Item::Enum(item) => Ok((item.ident, item.generics)),
        item => Err(Error::new_spanned(item, "`Reply` is derived for a struct or an enum")),
    }
}

fn implementation(ident: &Ident, mut generics: Generics) -> TokenStream {
    let span = written_at(ident.span());
    generics
        .make_where_clause()
        .predicates
        .push(parse_quote_spanned!(span=> Self: ::callbox::__private::Serde));
    let (parameters, arguments, condition) = generics.split_for_impl();
    quote_spanned! {span=>
        #[automatically_derived]
        impl #parameters ::callbox::Reply for #ident #arguments #condition {
            fn type_name() -> ::callbox::TypeName {
                ::callbox::__private::type_name::<Self>()
            }

            fn into_result(self) -> ::std::result::Result<::callbox::Value, ::callbox::Failure> {
                ::callbox::__private::into_result(self)
            }
        }
    }
}
