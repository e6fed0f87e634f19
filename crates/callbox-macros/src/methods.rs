//! A block of methods.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Error, ImplItem, ImplItemFn, Item, ItemImpl};

use crate::attribute;
use crate::errors::Errors;
use crate::expand;
use crate::method::Method;

const WRONG_PLACE: &str = "`methods` stands on an `impl` block of a type of one's own";

/// The item as it was, the registration of its methods, and what is wrong with them.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let output = match syn::parse2(item.clone()) {
        Ok(Item::Impl(block)) => expand_block(args, block, &mut errors),
        Ok(_) => {
            errors.push(Error::new(Span::call_site(), WRONG_PLACE));
            item
        }
        Err(error) => {
            errors.push(error);
            item
        }
    };
    let errors = errors.into_compile_errors();
    quote!(#output #errors)
}

fn expand_block(args: TokenStream, mut block: ItemImpl, errors: &mut Errors) -> TokenStream {
    if let Some((path, _)) = &block.trait_ {
        errors.refuse(path, WRONG_PLACE);
        functions(&mut block).for_each(|function| attribute::strip(&mut function.attrs));
        return block.into_token_stream();
    }
    let prefix = errors.sift(attribute::prefix(args)).flatten();
    let methods = methods(&mut block, errors);
    // What is right is published beside the errors: else there would be more of them, about a type
    // without methods.
    let implementation = expand::implementation(&block, prefix.as_deref(), &methods);
    quote!(#block #implementation)
}

fn methods(block: &mut ItemImpl, errors: &mut Errors) -> Vec<Method> {
    let mut methods = Vec::new();
    for function in functions(block) {
        let Some(method) = errors.sift(Method::take(function)).flatten() else { continue };
        if methods.iter().any(|other| are_twins(other, &method)) {
            let message = format!("two methods of this block are called `{}`", method.name);
            errors.refuse(&method.ident, message);
        } else {
            methods.push(method);
        }
    }
    methods
}

/// Whether both go by one name. Of two that are there under a condition each, only one may be.
fn are_twins(one: &Method, other: &Method) -> bool {
    one.name == other.name && (one.cfgs.is_empty() || other.cfgs.is_empty())
}

fn functions(block: &mut ItemImpl) -> impl Iterator<Item = &mut ImplItemFn> {
    block.items.iter_mut().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}
