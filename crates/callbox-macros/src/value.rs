//! The types of values: what goes over the wire owns what it holds.

use syn::visit::{self, Visit};
use syn::{PathSegment, Type, TypeImplTrait, TypeReference};

use crate::errors::Errors;

/// Refuses what no parameter can be.
pub(crate) fn check_param(ty: &Type, errors: &mut Errors) {
    let subject = "a method's parameters are values";
    Check { subject, lasting: false, errors }.visit_type(ty);
}

/// Refuses what no result can be.
pub(crate) fn check_result(ty: &Type, errors: &mut Errors) {
    Check { subject: "a method's result is a value", lasting: true, errors }.visit_type(ty);
}

/// The type without what a macro that wrote it, or a pair of parentheses, puts around it.
pub(crate) fn ungrouped(mut ty: &Type) -> &Type {
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => return ty,
        }
    }
}

/// The name at the end of a type's path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungrouped(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

struct Check<'e> {
    subject: &'static str,
    /// Whether references that are `'static` pass.
    lasting: bool,
    errors: &'e mut Errors,
}

impl<'ast> Visit<'ast> for Check<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let lasts = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
        if self.lasting && lasts {
            return visit::visit_type_reference(self, reference);
        }
        let message = format!("{}: {}", self.subject, instead_of(reference));
        self.errors.refuse(reference, message);
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        self.errors
            .refuse(ty, format!("{}: a type with a name instead of `impl Trait`", self.subject));
    }
}

fn instead_of(reference: &TypeReference) -> String {
    let and = if reference.mutability.is_some() { "&mut " } else { "&" };
    match (ungrouped(&reference.elem), last_segment(&reference.elem)) {
        (Type::Slice(_), _) => format!("`Vec<T>` instead of `{and}[T]`"),
        (_, Some(segment)) if segment.ident == "str" => format!("`String` instead of `{and}str`"),
        (_, Some(segment)) if segment.arguments.is_empty() => {
            format!("`{0}` instead of `{and}{0}`", segment.ident)
        }
        _ => "what it refers to instead of a reference".to_owned(),
    }
}
