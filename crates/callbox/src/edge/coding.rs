//! Content codings (RFC 9110, 8.4): which one a header names, inflating and deflating.

use std::io::{self, BufRead, Read};
use std::num::NonZero;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::{Compress, Compression, FlushCompress, Status};

/// Bytes that are inflated at once, before anybody asks whether they are too many.
pub(super) const INFLATE_STEP: usize = 64 * 1024;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// deflate: zlib (RFC 1950), or what is in it alone (RFC 1951), as some peers have it.
    Deflate,
}

impl Coding {
    /// The coding that `Content-Encoding` names, or `None` for one that is not read here.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        let coding = match (codings.next(), codings.next()) {
            (None, _) => return Some(Self::Identity),
            (Some(coding), None) => coding.to_str().ok()?.trim().to_ascii_lowercase(),
            (Some(_), Some(_)) => return None,
        };
        match coding.as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

/// A compressed body on its way to the plain one, a step at a time.
pub(super) struct Inflater<'a>(Box<dyn Read + Send + 'a>);

impl<'a> Inflater<'a> {
    /// Reads `body`, which is compressed as `coding` says.
    pub(super) fn new(coding: Coding, body: &'a [u8]) -> Self {
        Self(match coding {
            Coding::Identity => Box::new(body),
            Coding::Gzip => Box::new(MultiGzDecoder::new(body)),
            Coding::Deflate if is_zlib(body) => Box::new(Whole(ZlibDecoder::new(body))),
            Coding::Deflate => Box::new(Whole(DeflateDecoder::new(body))),
        })
    }

    /// The next bytes, at most [`INFLATE_STEP`]; none at the end. The error is that of a body
    /// which is corrupt or cut off.
    pub(super) fn step(&mut self, plain: &mut Vec<u8>) -> io::Result<usize> {
        (&mut self.0).take(INFLATE_STEP as u64).read_to_end(plain)
    }
}

/// Whether the first two bytes are a header of zlib (RFC 1950, 2.2).
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [cmf, flg, ..] if cmf & 0x0f == 8 && u16::from_be_bytes([*cmf, *flg]) % 31 == 0)
}

/// A decoder whose input must end where its data does.
struct Whole<D>(D);

trait Rest {
    fn has_rest(&mut self) -> io::Result<bool>;
}

impl<R: BufRead> Rest for ZlibDecoder<R> {
    fn has_rest(&mut self) -> io::Result<bool> {
        Ok(!self.get_mut().fill_buf()?.is_empty())
    }
}

impl<R: BufRead> Rest for DeflateDecoder<R> {
    fn has_rest(&mut self) -> io::Result<bool> {
        Ok(!self.get_mut().fill_buf()?.is_empty())
    }
}

impl<D: Read + Rest> Read for Whole<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.0.has_rest()? {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}

/// Compresses `body` as gzip, fast rather than small.
pub(super) fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = idle_compressor().unwrap_or_else(new_compressor);
    let zipped = compress(&mut compressor, body)?;
    keep(compressor);
    Ok(zipped)
}

/// Base-2 logarithm of the largest window there is: what a compressor looks back on.
const WINDOW_BITS: u8 = 15;

fn new_compressor() -> Compress {
    Compress::new_gzip(Compression::fast(), WINDOW_BITS)
}

fn compress(compressor: &mut Compress, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut zipped = Vec::with_capacity(body.len() / 4 + MIN_ROOM);
    loop {
        let read = usize::try_from(compressor.total_in()).map_err(io::Error::other)?;
        match compressor.compress_vec(&body[read..], &mut zipped, FlushCompress::Finish)? {
            Status::StreamEnd => return Ok(zipped),
            Status::Ok | Status::BufError => zipped.reserve(zipped.len() + MIN_ROOM),
        }
    }
}

/// Room in bytes that there is at least for what comes out of a compressor.
const MIN_ROOM: usize = 256;

/// Compressors that wait for the next body. Each has some 300 kB, which are dearer to get of the
/// system, and to give back, than a usual body is to compress.
static IDLE: Mutex<Vec<Compress>> = Mutex::new(Vec::new());

fn idle_compressor() -> Option<Compress> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// Keeps a compressor for the next body, but no more of them than there are cores.
fn keep(mut compressor: Compress) {
    static MOST: LazyLock<usize> =
        LazyLock::new(|| available_parallelism().map_or(1, NonZero::get));
    compressor.reset();
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() < *MOST {
        idle.push(compressor);
    }
}

/// Whether `Accept-Encoding` takes gzip (RFC 9110, 12.5.3).
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|field| field.to_str().ok());
    let mut any = false;
    for offer in fields.flat_map(|field| field.split(',')) {
        let mut parts = offer.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let is_taken = parts.all(|part| !is_zero_weight(part));
        match coding {
            "*" => any = is_taken,
            coding
                if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") =>
            {
                return is_taken;
            }
            _ => {}
        }
    }
    any
}

fn is_zero_weight(part: &str) -> bool {
    let weight = part.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use std::io::Write;

    fn inflate(coding: Coding, body: &[u8]) -> io::Result<Vec<u8>> {
        let (mut inflater, mut plain) = (Inflater::new(coding, body), Vec::new());
        while inflater.step(&mut plain)? > 0 {}
        Ok(plain)
    }

    fn compressed(text: &[u8]) -> [(Coding, Vec<u8>); 3] {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(text).unwrap();
        deflate.write_all(text).unwrap();
        [
            (Coding::Gzip, gzip(text).unwrap()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, deflate.finish().unwrap()),
        ]
    }

    #[test]
    fn every_coding_is_inflated() {
        let text = b"<methodCall/>".repeat(20_000);
        for (coding, body) in compressed(&text) {
            assert_eq!(inflate(coding, &body).unwrap(), text, "{coding:?}");
        }
        let twice = [gzip(b"<a>").unwrap(), gzip(b"</a>").unwrap()].concat();
        assert_eq!(inflate(Coding::Gzip, &twice).unwrap(), b"<a></a>");
    }

    /// Text that compresses well, and bytes that do not.
    fn bodies() -> Vec<Vec<u8>> {
        let noise = |length: u32| (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
        vec![
            b"<methodResponse/>".repeat(2_000),
            noise(200_000).collect(),
            Vec::new(),
            b"<a/>".to_vec(),
            noise(3_000).collect(),
            b"<methodResponse/>".repeat(50_000),
        ]
    }

    #[test]
    fn compressor_used_again_writes_what_a_new_one_does() {
        let mut used = new_compressor();
        for body in bodies() {
            let zipped = compress(&mut used, &body).unwrap();
            used.reset();
            assert_eq!(zipped, compress(&mut new_compressor(), &body).unwrap());
            assert_eq!(zipped, gzip(&body).unwrap());
            assert_eq!(inflate(Coding::Gzip, &zipped).unwrap(), body);
        }
    }

    #[test]
    fn no_more_compressors_are_kept_than_there_are_cores() {
        let cores = available_parallelism().unwrap().get();
        (0..2 * cores).for_each(|_| keep(new_compressor()));
        assert!(IDLE.lock().unwrap().len() <= cores);
    }

    #[test]
    fn step_is_bounded_whatever_the_body_inflates_to() {
        let body = gzip(&vec![0; 10_000_000]).unwrap();
        let (mut inflater, mut plain) = (Inflater::new(Coding::Gzip, &body), Vec::new());
        assert_eq!(inflater.step(&mut plain).unwrap(), INFLATE_STEP);
        assert_eq!(plain.len(), INFLATE_STEP);
    }

    #[test]
    fn corrupt_and_cut_off_bodies_are_refused() {
        for (coding, body) in compressed(b"<methodCall/> and more of it") {
            assert!(inflate(coding, &body[..body.len() - 1]).is_err(), "{coding:?} cut off");
            assert!(
                inflate(coding, &[&body[..], b"rest"].concat()).is_err(),
                "{coding:?} with a rest"
            );
            assert!(inflate(coding, b"<methodCall/>").is_err(), "{coding:?} plain");
            assert!(inflate(coding, b"").is_err(), "{coding:?} empty");
        }
    }

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn content_encoding_names_a_coding() {
        let check = |values: &[&'static str], expected| {
            assert_eq!(Coding::of(&headers(CONTENT_ENCODING, values)), expected, "{values:?}");
        };
        check(&[], Some(Coding::Identity));
        check(&["identity"], Some(Coding::Identity));
        check(&["GZip"], Some(Coding::Gzip));
        check(&["x-gzip"], Some(Coding::Gzip));
        check(&["deflate"], Some(Coding::Deflate));
        check(&["br"], None);
        check(&["gzip, gzip"], None);
        check(&["gzip", "gzip"], None);
    }

    #[test]
    fn accept_encoding_takes_gzip_or_not() {
        let check = |values: &[&'static str], expected| {
            assert_eq!(takes_gzip(&headers(ACCEPT_ENCODING, values)), expected, "{values:?}");
        };
        check(&[], false);
        check(&["gzip"], true);
        check(&["deflate, GZIP;q=0.5"], true);
        check(&["deflate", "gzip"], true);
        check(&["gzip;q=0"], false);
        check(&["gzip; q=0.000, *"], false);
        check(&["*;q=0"], false);
        check(&["br, *"], true);
        check(&["identity"], false);
    }
}
