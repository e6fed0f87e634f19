//! One linear pass over a document's markup that enforces the limits before any tree is built.
//!
//! It cuts the text into the same tokens as the tree builder, up to the first place where either
//! of the two refuses. So whatever the tree builder is given, the guard has counted.

use memchr::memmem::Finder;

use super::chars::{is_blank, is_xml_char, is_xml_name};
use super::error::Refusal;
use super::limits::Limits;
use super::prolog;

/// The prefix of the types beyond the specification, which many peers use without declaring it.
const EXTENSION_PREFIX: &str = "ex:";

/// The bytes that no name reaches beyond, as a table: names are most of what is looked at.
const ENDS_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let ends = b" \t\n\r>/=";
    let mut index = 0;
    while index < ends.len() {
        table[ends[index] as usize] = true;
        index += 1;
    }
    table
};

/// What the pass has seen.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Survey {
    /// Elements, comments, processing instructions and CDATA sections.
    pub(super) elements: usize,
    pub(super) attributes: usize,
    pub(super) namespaces: usize,
    /// Most elements open at once.
    pub(super) depth: usize,
    /// Where the root element's name ends, if its `ex:` prefix is used and it does not declare it.
    pub(super) undeclared_extension: Option<usize>,
}

/// Walks `text`, which begins after the XML declaration. A document that gets through is within
/// the limits, has only allowed character references and declares no entities.
pub(super) fn survey(text: &str, limits: &Limits) -> Result<Survey, Refusal> {
    let mut guard = Guard::new(text, limits);
    while guard.seek_token() {
        guard.token()?;
    }
    Ok(guard.into_survey())
}

struct Guard<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: &'a Limits,
    open: usize,
    root_name_end: Option<usize>,
    uses_extension: bool,
    root_declares_extension: bool,
    survey: Survey,
    comment_end: Finder<'static>,
    cdata_end: Finder<'static>,
    instruction_end: Finder<'static>,
}

impl<'a> Guard<'a> {
    fn new(text: &'a str, limits: &'a Limits) -> Guard<'a> {
        Guard {
            text,
            bytes: text.as_bytes(),
            at: 0,
            limits,
            open: 0,
            root_name_end: None,
            uses_extension: false,
            root_declares_extension: false,
            survey: Survey::default(),
            comment_end: Finder::new("-->"),
            cdata_end: Finder::new("]]>"),
            instruction_end: Finder::new("?>"),
        }
    }

    fn into_survey(self) -> Survey {
        let undeclared = self.uses_extension && !self.root_declares_extension;
        Survey { undeclared_extension: self.root_name_end.filter(|_| undeclared), ..self.survey }
    }

    /// Moves to the next markup or reference. Most markup follows on other markup.
    fn seek_token(&mut self) -> bool {
        let rest = &self.bytes[self.at..];
        if rest.first() == Some(&b'<') {
            return true;
        }
        let found = memchr::memchr2(b'<', b'&', rest);
        self.at += found.unwrap_or(rest.len());
        found.is_some()
    }

    fn token(&mut self) -> Result<(), Refusal> {
        if self.bytes[self.at] == b'&' {
            return self.reference();
        }
        match self.bytes.get(self.at + 1) {
            Some(b'/') => self.end_tag(),
            Some(b'!') => self.declaration(),
            Some(b'?') => self.instruction(),
            _ => self.start_tag(),
        }
    }

    fn start_tag(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.count_element()?;
        self.at += 1;
        let name = self.name()?;
        self.uses_extension |= name.starts_with(EXTENSION_PREFIX.as_bytes());
        if self.root_name_end.is_none() {
            self.root_name_end = Some(self.at);
        }
        loop {
            // Most tags have nothing but a name.
            if self.bytes.get(self.at) != Some(&b'>') {
                self.skip_blanks();
            }
            match self.bytes.get(self.at) {
                Some(b'>') => return self.open_element(start),
                Some(b'/') if self.bytes.get(self.at + 1) == Some(&b'>') => {
                    self.at += 2;
                    return self.check_depth(self.open + 1, start);
                }
                Some(_) => self.attribute()?,
                None => return Err(Refusal::not_well_formed("a tag without end", start)),
            }
        }
    }

    fn open_element(&mut self, start: usize) -> Result<(), Refusal> {
        self.at += 1;
        self.open += 1;
        self.check_depth(self.open, start)
    }

    fn check_depth(&mut self, depth: usize, start: usize) -> Result<(), Refusal> {
        self.survey.depth = self.survey.depth.max(depth);
        if depth > self.limits.element_depth() {
            let values = self.limits.value_depth();
            return Err(Refusal::over_limit(values, "levels of values", start));
        }
        Ok(())
    }

    /// The tree builder holds the name against the start tag's, so that only its end is sought.
    fn end_tag(&mut self) -> Result<(), Refusal> {
        let name = &self.bytes[self.at + 2..];
        self.check_prefix(name)?;
        self.open = self.open.saturating_sub(1);
        // Names are short: a search that is made for long texts would cost more than it saves.
        let end = name.iter().position(|byte| *byte == b'>');
        self.pass(2, end, 1, "an end tag without end")
    }

    fn attribute(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        let malformed = || Refusal::not_well_formed("a malformed tag", start);
        let name = self.name()?;
        self.skip_blanks();
        if self.bytes.get(self.at) != Some(&b'=') {
            return Err(malformed());
        }
        self.at += 1;
        self.skip_blanks();
        let quote = *self.bytes.get(self.at).ok_or_else(malformed)?;
        if quote != b'"' && quote != b'\'' {
            return Err(malformed());
        }
        self.count_attribute(name, start)?;
        self.at += 1;
        let value = self.at;
        self.attribute_value(quote, start)?;
        let is_empty = self.at == value + 1;
        if is_empty && name.starts_with(b"xmlns:") {
            return Err(Refusal::not_well_formed("a prefix that is bound to nothing", start));
        }
        Ok(())
    }

    fn attribute_value(&mut self, quote: u8, start: usize) -> Result<(), Refusal> {
        while let Some(at) = memchr::memchr2(quote, b'&', &self.bytes[self.at..]) {
            self.at += at;
            if self.bytes[self.at] == quote {
                self.at += 1;
                return Ok(());
            }
            self.reference()?;
        }
        Err(Refusal::not_well_formed("an attribute without end", start))
    }

    fn count_attribute(&mut self, name: &[u8], start: usize) -> Result<(), Refusal> {
        if !is_namespace_declaration(name) {
            self.survey.attributes += 1;
            return check(self.survey.attributes, self.limits.attributes, "attributes", start);
        }
        let is_at_root = self.open == 0;
        self.root_declares_extension |= is_at_root && name == b"xmlns:ex";
        self.survey.namespaces += 1;
        let limit = self.limits.namespaces;
        check(self.survey.namespaces, limit, "namespace declarations", start)
    }

    /// A comment, a CDATA section or the DOCTYPE.
    fn declaration(&mut self) -> Result<(), Refusal> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"<!--") {
            self.count_element()?;
            let found = self.comment_end.find(&rest[4..]);
            self.pass(4, found, 3, "a comment without end")
        } else if rest.starts_with(b"<![CDATA[") {
            self.count_element()?;
            let found = self.cdata_end.find(&rest[9..]);
            self.pass(9, found, 3, "a CDATA section without end")
        } else if rest.starts_with(b"<!DOCTYPE") && self.root_name_end.is_none() {
            self.at = prolog::doctype_end(self.text, self.at)?;
            Ok(())
        } else {
            Err(Refusal::not_well_formed("a declaration out of place", self.at))
        }
    }

    /// The tree builder would take any target, and one that no blank ends.
    fn instruction(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.count_element()?;
        let found = self.instruction_end.find(&self.bytes[start + 2..]);
        self.pass(2, found, 2, "a processing instruction without end")?;
        let content = &self.text[start + 2..self.at - 2];
        let length = content.bytes().position(is_blank).unwrap_or(content.len());
        check(length, self.limits.name_bytes, "bytes in a name", start)?;
        let refused = |reason| Err(Refusal::not_well_formed(reason, start));
        match &content[..length] {
            target if target.eq_ignore_ascii_case("xml") => {
                refused("an XML declaration out of place")
            }
            target if !is_xml_name(target) => refused("a processing instruction without a name"),
            _ => Ok(()),
        }
    }

    /// Moves past a token: what it begins with, what was found up to its end, and the end.
    fn pass(
        &mut self,
        begin: usize,
        found: Option<usize>,
        end: usize,
        unclosed: &'static str,
    ) -> Result<(), Refusal> {
        let found = found.ok_or_else(|| Refusal::not_well_formed(unclosed, self.at))?;
        self.at += begin + found + end;
        Ok(())
    }

    fn count_element(&mut self) -> Result<(), Refusal> {
        self.survey.elements += 1;
        check(self.survey.elements, self.limits.elements, "elements", self.at)
    }

    /// The bytes up to what no name contains; the tree builder judges whether they are a name.
    fn name(&mut self) -> Result<&'a [u8], Refusal> {
        let rest = &self.bytes[self.at..];
        let ends = |byte: &u8| ENDS_NAME[usize::from(*byte)];
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        check(length, self.limits.name_bytes, "bytes in a name", self.at)?;
        self.check_prefix(rest)?;
        self.at += length;
        Ok(&rest[..length])
    }

    /// The tree builder would take `<:a></a>` for one element.
    fn check_prefix(&self, name: &[u8]) -> Result<(), Refusal> {
        match name.first() {
            Some(b':') => Err(Refusal::not_well_formed("a name without its prefix", self.at)),
            _ => Ok(()),
        }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().take_while(|byte| is_blank(**byte)).count();
    }

    /// Passes `&`, and with it a numeric reference, which must name a character of XML. Named ones
    /// are the tree builder's, which knows the five that need no declaration.
    fn reference(&mut self) -> Result<(), Refusal> {
        let start = self.at;
        self.at += 1;
        let Some(number) = self.text[self.at..].strip_prefix('#') else {
            return Ok(());
        };
        let (digits, radix) = match number.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
        let named = u32::from_str_radix(&digits[..length], radix).ok();
        if !named.and_then(char::from_u32).is_some_and(is_xml_char) {
            let reason = "a reference to a character that XML does not allow";
            return Err(Refusal::not_well_formed(reason, start));
        }
        self.at += 1 + usize::from(radix == 16) + length;
        Ok(())
    }
}

/// What the tree builder takes for a namespace declaration: `a:xmlns` too, which is none.
fn is_namespace_declaration(name: &[u8]) -> bool {
    name == b"xmlns" || name.starts_with(b"xmlns:") || name.ends_with(b":xmlns")
}

fn check(count: usize, limit: usize, what: &str, at: usize) -> Result<(), Refusal> {
    match count > limit {
        true => Err(Refusal::over_limit(limit, what, at)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> [usize; 4] {
        let survey = survey(text, &Limits::default()).unwrap();
        [survey.elements, survey.attributes, survey.namespaces, survey.depth]
    }

    #[test]
    fn counts_are_of_markup_only() {
        let check = |text, expected| assert_eq!(counts(text), expected, "{text}");
        check("", [0, 0, 0, 0]);
        check("<a/>", [1, 0, 0, 1]);
        check(" <a><b/><c><d></d></c></a> ", [4, 0, 0, 3]);
        check("<a b='>' c = \"/>'\"\n><d e=''/></a >", [2, 3, 0, 2]);
        check("<a xmlns='x' xmlns:b='x' b:xmlns='x' xmlnsc='x' d:e='x'/>", [1, 2, 3, 1]);
        check("<!-- <b> > -- & --><?p <b> > & ?><a><![CDATA[<b>]] ><!--&]]></a>", [4, 0, 0, 1]);
        check("<!DOCTYPE a SYSTEM '<b>'><a>&lt;b&gt;&#65;&unknown;</a>", [1, 0, 0, 1]);
        check("<!---->-><!--->--><a/>", [3, 0, 0, 1]);
    }

    #[test]
    fn extension_prefix_is_noted_where_the_root_does_not_declare_it() {
        let check = |text, expected| {
            let survey = survey(text, &Limits::default()).unwrap();
            assert_eq!(survey.undeclared_extension, expected, "{text}");
        };
        check("<a><b/></a>", None);
        check("<a><ex:b/></a>", Some(2));
        check("<!-- --><a b='c'><ex:b/></a>", Some(10));
        check("<ex:a/>", Some(5));
        check("<a xmlns:ex='x'><ex:b/></a>", None);
        check("<a><b xmlns:ex='x'/><ex:b/></a>", Some(2));
        check("<a xmlns:exx='x'><ex:b/></a>", Some(2));
        check("<a><!--<ex:b/>--><![CDATA[<ex:b/>]]>&lt;ex:b/></a>", None);
    }

    /// Work is tokens, each of which is passed once from its first byte to its last.
    #[test]
    fn work_doubles_with_the_document() {
        for token in [
            "<a>",
            "<a/>",
            "</a>",
            "<!-- -->",
            "<?a?>",
            "<![CDATA[]]>",
            "&",
            "text ",
            "<a b='&lt;'/>",
            "<a\n\n/>",
        ] {
            let limits = Limits {
                depth: 256,
                elements: usize::MAX,
                attributes: usize::MAX,
                ..Limits::default()
            };
            let work = |times: usize| {
                let text = token.repeat(times);
                let mut guard = Guard::new(&text, &limits);
                let mut tokens = 0;
                while guard.seek_token() {
                    let start = guard.at;
                    guard.token().unwrap();
                    assert!(guard.at > start, "{token}");
                    tokens += 1;
                }
                assert_eq!(guard.at, text.len(), "{token}");
                tokens
            };
            assert_eq!(work(400), 2 * work(200), "{token}");
        }
    }
}
