//! The `self` of a method.

use syn::{Error, GenericArgument, PathArguments, ReceiverKind, Result, Signature, Type};

use crate::value::{last_segment, ungrouped};

/// How a function takes what the methods share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// Not at all.
    None,
    /// As `&self`.
    Borrowed,
    /// As `self: Arc<Self>`.
    Shared,
}

impl Receiver {
    /// Reads the receiver of a function, if a method may have such a one.
    pub(crate) fn read(signature: &Signature) -> Result<Self> {
        let Some(receiver) = signature.receiver() else { return Ok(Self::None) };
        match &receiver.kind {
            ReceiverKind::Reference(_, _, None) => Ok(Self::Borrowed),
            ReceiverKind::Typed(_, ty) if is_borrowed_self(ty) => Ok(Self::Borrowed),
            ReceiverKind::Typed(_, ty) if is_shared_self(ty) => Ok(Self::Shared),
            ReceiverKind::Reference(_, _, Some(_)) => Err(Error::new_spanned(
                receiver,
                "methods run at the same time: `&self` instead of `&mut self`, and a lock within",
            )),
            _ => Err(Error::new_spanned(receiver, "a method takes `&self` or `self: Arc<Self>`")),
        }
    }
}

fn is_borrowed_self(ty: &Type) -> bool {
    matches!(ungrouped(ty), Type::Reference(reference)
        if reference.mutability.is_none() && is_self(&reference.elem))
}

fn is_shared_self(ty: &Type) -> bool {
    let Some(segment) = last_segment(ty).filter(|segment| segment.ident == "Arc") else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return false };
    matches!(arguments.args.first(), Some(GenericArgument::Type(inner)) if is_self(inner))
}

fn is_self(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == "Self")
}
