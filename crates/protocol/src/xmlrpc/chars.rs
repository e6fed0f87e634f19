/// Whether XML 1.0 can carry the character, as itself or by reference.
pub(super) fn is_xml_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => c >= ' ',
    }
}

/// XML's own white space, narrower than Unicode's and than ASCII's in Rust.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn is_all_blank(text: &str) -> bool {
    text.bytes().all(is_blank)
}

pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii() && is_blank(c as u8))
}

/// Bytes that are looked at together for one that needs escaping.
const BLOCK: usize = 32;

/// Where the next byte stands, at `from` or after, that may not be copied as it is. Whole blocks
/// are judged at once, which compiles to vector instructions; no byte is looked at a third time.
pub(super) fn next_special(text: &[u8], from: usize) -> Option<usize> {
    let aligned = from.next_multiple_of(BLOCK).min(text.len());
    if let Some(at) = text[from..aligned].iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        return Some(from + at);
    }
    let is_dirty = |block: &[u8]| block.iter().fold(false, |any, byte| any | is_special(*byte));
    let mut blocks = text[aligned..].chunks_exact(BLOCK);
    let clean = blocks.position(is_dirty).unwrap_or((text.len() - aligned) / BLOCK);
    let start = aligned + BLOCK * clean;
    let at = text[start..].iter().position(|byte| SPECIAL[usize::from(*byte)])?;
    Some(start + at)
}

/// What is escaped, what XML cannot carry, and the first byte of U+FFFE and U+FFFF (and of some
/// harmless characters).
const fn is_special(byte: u8) -> bool {
    let is_control = byte < b' ' && byte != b'\t' && byte != b'\n';
    is_control | (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == 0xEF)
}

/// [`is_special`] as a table, for bytes that are looked at one by one.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = is_special(byte as u8);
        byte += 1;
    }
    table
};
