//! The parameters of a method.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, FnArg, Pat, PatType, Result, Signature, Type};

use crate::errors::Errors;
use crate::value::{check_param, last_segment, ungrouped};

/// How many parameters a method has at most, its caller not counted.
const MAX_PARAMS: usize = 8;

/// What a function is given, by position.
pub(crate) enum Param {
    /// What a peer sends.
    Value {
        /// What it is called.
        name: String,
        /// What it is.
        ty: Box<Type>,
    },
    /// Who calls.
    Caller {
        /// Whether the function only borrows it.
        borrowed: bool,
        /// Where the function asks for it.
        span: Span,
    },
}

impl Param {
    /// Reads all parameters of a function but its receiver.
    pub(crate) fn read_all(signature: &Signature, errors: &mut Errors) -> Vec<Self> {
        let mut known = Known::default();
        let mut params = Vec::new();
        for input in &signature.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let Some(param) = Self::read(typed, errors) else { continue };
            errors.sift(known.note(&param, typed));
            params.push(param);
        }
        params
    }

    fn read(typed: &PatType, errors: &mut Errors) -> Option<Self> {
        if let Some(cfg) = typed.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            errors.refuse(cfg, "a method's parameters are always there: no `#[cfg]`");
        }
        if let Some(caller) = caller(&typed.ty) {
            return errors.sift(caller);
        }
        check_param(&typed.ty, errors);
        let name = errors.sift(name(&typed.pat))?;
        Some(Self::Value { name, ty: typed.ty.clone() })
    }
}

/// The parameters so far.
#[derive(Default)]
struct Known {
    names: Vec<String>,
    caller: bool,
}

impl Known {
    fn note(&mut self, param: &Param, typed: &PatType) -> Result<()> {
        match param {
            Param::Caller { .. } if self.caller => {
                Err(Error::new_spanned(typed, "a method has one caller"))
            }
            Param::Caller { .. } => {
                self.caller = true;
                Ok(())
            }
            Param::Value { name, .. } if self.names.contains(name) => {
                Err(Error::new_spanned(&typed.pat, format!("two parameters are called `{name}`")))
            }
            Param::Value { .. } if self.names.len() == MAX_PARAMS => Err(Error::new_spanned(
                typed,
                format!("a method has at most {MAX_PARAMS} parameters"),
            )),
            Param::Value { name, .. } => {
                self.names.push(name.clone());
                Ok(())
            }
        }
    }
}

fn caller(ty: &Type) -> Option<Result<Param>> {
    let span = ty.span();
    match ungrouped(ty) {
        Type::Reference(reference) if is_caller(&reference.elem) => {
            Some(match reference.mutability {
                None => Ok(Param::Caller { borrowed: true, span }),
                Some(_) => {
                    Err(Error::new_spanned(ty, "a caller is not changed: `&Caller` or `Caller`"))
                }
            })
        }
        ty if is_caller(ty) => Some(Ok(Param::Caller { borrowed: false, span })),
        _ => None,
    }
}

fn is_caller(ty: &Type) -> bool {
    last_segment(ty)
        .is_some_and(|segment| segment.ident == "Caller" && segment.arguments.is_empty())
}

fn name(pat: &Pat) -> Result<String> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => {
            let name = pat.ident.unraw().to_string();
            Ok(name.strip_prefix('_').unwrap_or(&name).to_owned())
        }
        _ => Err(Error::new_spanned(pat, "a method's parameter has a name")),
    }
}
