use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Block, Expr, File, ImplItem, Item, ItemImpl, Lit, LitStr, Stmt};

use crate::methods;

mod errors;
mod expansion;

/// A method as it is registered.
#[derive(Debug, PartialEq)]
struct Registered {
    add: String,
    name: String,
    help: String,
    closure: String,
    names: Vec<String>,
}

fn expand(args: TokenStream, item: TokenStream) -> File {
    syn::parse2(methods::expand(args, item)).unwrap()
}

fn errors(file: &File) -> Vec<String> {
    let macros = file.items.iter().filter_map(|item| match item {
        Item::Macro(item) => Some(&item.mac),
        _ => None,
    });
    macros.map(|mac| mac.parse_body::<LitStr>().unwrap().value()).collect()
}

fn implementation(file: &File) -> &ItemImpl {
    let implementation = file.items.iter().find_map(|item| match item {
        Item::Impl(item) if item.trait_.is_some() => Some(item),
        _ => None,
    });
    implementation.unwrap()
}

fn registrations(file: &File) -> Vec<Registered> {
    let ImplItem::Fn(publish) = &implementation(file).items[0] else { panic!("no function") };
    let Block { stmts, .. } = &publish.block;
    stmts[1..].iter().map(registration).collect()
}

fn registration(stmt: &Stmt) -> Registered {
    let Stmt::Expr(Expr::MethodCall(call), _) = stmt else { panic!("no call") };
    match (&*call.receiver, &call.args[0]) {
        (Expr::MethodCall(add), Expr::Array(names)) => {
            let names = names.elems.iter().map(text).collect();
            Registered { names, ..registration(&Stmt::Expr(Expr::MethodCall(add.clone()), None)) }
        }
        _ => Registered {
            add: call.method.to_string(),
            name: text(&call.args[0]),
            help: text(&call.args[1]),
            closure: call.args[2].to_token_stream().to_string(),
            names: Vec::new(),
        },
    }
}

fn text(expr: &Expr) -> String {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value(),
            _ => panic!("no string"),
        },
        _ => panic!("no literal"),
    }
}
