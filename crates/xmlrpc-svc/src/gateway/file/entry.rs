//! A table of the file, and its keys by type.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use encoding_rs::Encoding;
use svc_runtime::file::Mistake;
use svc_runtime::settings;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::gateway::parameter::is_control;
use crate::gateway::template::{encoded, unsayable};

pub(super) type Key<'a> = Spanned<Cow<'a, str>>;
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// A table of the file.
#[derive(Clone)]
pub(super) struct Entry<'a> {
    /// Where it stands.
    pub(super) span: Range<usize>,
    table: &'a DeTable<'a>,
}

/// A text of the file, and where it stands.
pub(super) type Text<'a> = Spanned<&'a str>;

impl<'a> Entry<'a> {
    /// The table that `value` is, with what was expected of `key` where it is none.
    pub(super) fn of(key: &Key<'a>, value: &'a Value<'a>, expected: &str) -> Result<Self, Mistake> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Self { span: key.span(), table }),
            _ => Err(Mistake::at(key.span(), format!("expected {expected}"))),
        }
    }

    /// A table that stands among others, as an element or a value.
    pub(super) fn inline(value: &'a Value<'a>, expected: &str) -> Result<Self, Mistake> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Self { span: value.span(), table }),
            _ => Err(Mistake::at(value.span(), expected)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a Key<'a>, &'a Value<'a>)> {
        self.table.iter()
    }

    pub(super) fn has_no_key_but(&self, known: &[&str]) -> Result<(), Mistake> {
        match self.table.keys().find(|key| !known.contains(&&**key.get_ref())) {
            None => Ok(()),
            Some(key) => {
                let known = known.join(", ");
                let what = format!("unknown key {:?}, expected one of {known}", key.get_ref());
                Err(Mistake::at(key.span(), what))
            }
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value<'a>> {
        self.table.get(key)
    }

    pub(super) fn required<T>(
        &self,
        key: &str,
        found: Option<T>,
        expected: &str,
    ) -> Result<T, Mistake> {
        found.ok_or_else(|| {
            Mistake::at(self.span.clone(), format!("expected the key {key}: {expected}"))
        })
    }

    pub(super) fn text(&self, key: &str, expected: &str) -> Result<Option<Text<'a>>, Mistake> {
        self.value(key).map(|value| text(key, value, expected)).transpose()
    }

    pub(super) fn required_text(&self, key: &str, expected: &str) -> Result<Text<'a>, Mistake> {
        let found = self.text(key, expected)?;
        self.required(key, found, expected)
    }

    /// A text that `parse` reads.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let Some(text) = self.text(key, expected)? else { return Ok(None) };
        match parse(text.get_ref()) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(Mistake::at(text.span(), format!("{key}: expected {expected}"))),
        }
    }

    /// The beginning of a line.
    pub(super) fn beginning(
        &self,
        key: &str,
        charset: &'static Encoding,
    ) -> Result<Option<String>, Mistake> {
        self.text(key, BEGINNING)?.map(|text| beginning(key, &text, charset)).transpose()
    }

    pub(super) fn beginnings(
        &self,
        key: &str,
        charset: &'static Encoding,
    ) -> Result<Vec<String>, Mistake> {
        let texts = self.texts(key, "a list of texts that lines begin with")?.unwrap_or_default();
        texts.iter().map(|text| beginning(key, text, charset)).collect()
    }

    pub(super) fn texts(
        &self,
        key: &str,
        expected: &str,
    ) -> Result<Option<Vec<Text<'a>>>, Mistake> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let DeValue::Array(elements) = value.get_ref() else {
            return Err(Mistake::at(value.span(), format!("{key}: expected {expected}")));
        };
        elements
            .iter()
            .map(|element| text(key, element, expected))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, Mistake> {
        match self.value(key) {
            None => Ok(false),
            Some(value) => value
                .get_ref()
                .as_bool()
                .ok_or_else(|| Mistake::at(value.span(), format!("{key}: expected true or false"))),
        }
    }

    pub(super) fn count(
        &self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Mistake> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = integer(value).and_then(|number| usize::try_from(number).ok());
        number.filter(|number| range.contains(number)).map(Some).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            let what = format!("{key}: expected a number from {least} to {most}");
            Mistake::at(value.span(), what)
        })
    }

    /// A number of bytes, or a text such as `64k`.
    pub(super) fn size(
        &self,
        key: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Mistake> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = integer(value).map(|number| number.to_string());
        let text = value.get_ref().as_str().or(number.as_deref()).unwrap_or_default();
        let size = settings::size(text, range);
        size.map(Some).map_err(|what| Mistake::at(value.span(), format!("{key}: {what}")))
    }

    pub(super) fn time(
        &self,
        key: &str,
        read: fn(&str) -> Result<Duration, String>,
    ) -> Result<Option<Duration>, Mistake> {
        let Some(text) = self.text(key, "a time such as \"800ms\"")? else { return Ok(None) };
        let time = read(text.get_ref());
        time.map(Some).map_err(|what| Mistake::at(text.span(), format!("{key}: {what}")))
    }

    pub(super) fn integer(&self, key: &str) -> Result<Option<i64>, Mistake> {
        let Some(value) = self.value(key) else { return Ok(None) };
        integer(value)
            .map(Some)
            .ok_or_else(|| Mistake::at(value.span(), format!("{key}: expected an integer")))
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Mistake> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let float = value.get_ref().as_float().and_then(|float| float.as_str().parse().ok());
        let number: Option<f64> = float.or_else(|| integer(value).map(|number| number as f64));
        number
            .filter(|number| number.is_finite())
            .map(Some)
            .ok_or_else(|| Mistake::at(value.span(), format!("{key}: expected a number")))
    }
}

fn text<'a>(key: &str, value: &'a Value<'a>, expected: &str) -> Result<Text<'a>, Mistake> {
    match value.get_ref() {
        DeValue::String(text) => Ok(Spanned::new(value.span(), &**text)),
        _ => Err(Mistake::at(value.span(), format!("{key}: expected {expected}, in quotes"))),
    }
}

fn integer(value: &Value<'_>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

const BEGINNING: &str = "the beginning of a line";

/// A text that a line in the upstream's charset can begin with.
pub(super) fn beginning(
    key: &str,
    text: &Text<'_>,
    charset: &'static Encoding,
) -> Result<String, Mistake> {
    if text.get_ref().is_empty() || text.get_ref().contains(ends_line) {
        let what = format!("{key}: expected {BEGINNING}: some text without a line end");
        return Err(Mistake::at(text.span(), what));
    }
    if encoded(text.get_ref(), charset).is_none() {
        return Err(Mistake::at(text.span(), format!("{key}: {}", unsayable(charset))));
    }
    Ok((*text.get_ref()).to_owned())
}

fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\0')
}

/// A text that is sent.
pub(super) fn sendable(key: &str, text: &Text<'_>) -> Result<String, Mistake> {
    if text.get_ref().contains(is_control) {
        let what = format!("{key}: expected text without control characters");
        return Err(Mistake::at(text.span(), what));
    }
    Ok((*text.get_ref()).to_owned())
}
