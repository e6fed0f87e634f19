//! The body of an answer, gathered under its limit.

use std::fmt;
use std::io::{self, Write};
use std::pin::Pin;

use flate2::write::MultiGzDecoder;
use hyper::body::Bytes;
use tokio::task::yield_now;

use super::error::{Error, Nonsense};

/// Compressed bytes that are inflated before others have their turn: some 4 MB come of them at most.
const INFLATE_STEP: usize = 4 * 1024;

/// Bytes that room is made for because a server promises them; for more they have to come.
const MAX_PROMISED: usize = 64 * 1024;

/// The memory that an answer may take, while it comes.
pub trait Room: Send {
    /// Takes so many bytes more, which may wait, or tells that there are none.
    fn take(&mut self, bytes: usize) -> Taking<'_>;
}

/// What comes of asking a [`Room`] for more.
pub type Taking<'a> = Pin<Box<dyn Future<Output = Result<(), NoRoom>> + Send + 'a>>;

/// There is no memory for more of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// The body of an answer, gathered under its limit.
pub(crate) struct Body<'a> {
    max: usize,
    takes_gzip: bool,
    read: usize,
    coding: Coding,
    room: Option<&'a mut dyn Room>,
    /// Bytes that were taken of the room.
    taken: usize,
}

enum Coding {
    Identity(Plain),
    Gzip(Box<MultiGzDecoder<Plain>>),
}

impl<'a> Body<'a> {
    /// One of at most `max` bytes, on the wire and inflated; compressed ones are read where they
    /// were asked for.
    pub(crate) fn new(max: usize, takes_gzip: bool) -> Self {
        let plain = Plain { bytes: Vec::new(), max, is_over: false };
        Self { max, takes_gzip, read: 0, coding: Coding::Identity(plain), room: None, taken: 0 }
    }

    /// The same in `room`.
    pub(crate) fn within(self, room: &'a mut dyn Room) -> Self {
        Self { room: Some(room), ..self }
    }

    /// Hears what `Content-Encoding` says, if anything, and how many bytes are promised, before any
    /// of them comes.
    pub(crate) fn begin(
        mut self,
        coding: Option<&[u8]>,
        promised: Option<u64>,
    ) -> Result<Self, Nonsense> {
        let promised = usize::try_from(promised.unwrap_or(0)).unwrap_or(usize::MAX);
        if promised > self.max {
            return Err(Nonsense::LongBody(self.max));
        }
        let mut plain = Plain { bytes: Vec::new(), max: self.max, is_over: false };
        self.coding = match coding.map(|coding| coding.trim_ascii().to_ascii_lowercase()).as_deref()
        {
            None | Some(b"" | b"identity") => {
                plain.bytes.reserve_exact(promised.min(MAX_PROMISED));
                Coding::Identity(plain)
            }
            Some(b"gzip" | b"x-gzip") if self.takes_gzip => {
                Coding::Gzip(Box::new(MultiGzDecoder::new(plain)))
            }
            Some(_) => return Err(Nonsense::Coding),
        };
        Ok(self)
    }

    /// Takes the next bytes from the wire.
    pub(crate) async fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.read += bytes.len();
        if self.read > self.max {
            return Err(Nonsense::LongBody(self.max).into());
        }
        match &mut self.coding {
            Coding::Identity(plain) => {
                let length = plain.bytes.len() + bytes.len();
                take(&mut self.room, &mut self.taken, length).await?;
                plain.bytes.extend_from_slice(bytes);
            }
            Coding::Gzip(decoder) => {
                for step in bytes.chunks(INFLATE_STEP) {
                    let inflated = decoder.write_all(step);
                    inflated.map_err(|_| decoder.get_ref().trouble())?;
                    let length = decoder.get_ref().bytes.len();
                    take(&mut self.room, &mut self.taken, length).await?;
                    yield_now().await;
                }
            }
        }
        Ok(())
    }

    /// All of it.
    pub(crate) fn finish(self) -> Result<Bytes, Nonsense> {
        match self.coding {
            Coding::Identity(plain) => Ok(plain.bytes.into()),
            Coding::Gzip(mut decoder) => {
                let finished = decoder.try_finish();
                finished.map_err(|_| decoder.get_ref().trouble())?;
                Ok(std::mem::take(&mut decoder.get_mut().bytes).into())
            }
        }
    }
}

/// Takes what `length` bytes are more than was `taken` of the room.
async fn take(
    room: &mut Option<&mut dyn Room>,
    taken: &mut usize,
    length: usize,
) -> Result<(), NoRoom> {
    let more = length.saturating_sub(*taken);
    if let (Some(room), 1..) = (room, more) {
        room.take(more).await?;
        *taken = length;
    }
    Ok(())
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no memory for the server's reply")
    }
}

impl std::error::Error for NoRoom {}

/// What comes of inflating, up to a limit.
struct Plain {
    bytes: Vec<u8>,
    max: usize,
    is_over: bool,
}

impl Plain {
    /// Why it could not be written to: what came was too much, or did not come of gzip.
    fn trouble(&self) -> Nonsense {
        if self.is_over { Nonsense::LongBody(self.max) } else { Nonsense::Coding }
    }
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_over = self.is_over || bytes.len() > self.max - self.bytes.len();
        if self.is_over {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn gathered(max: usize, pieces: &[&[u8]]) -> Result<Bytes, Error> {
        let mut body = Body::new(max, true).begin(Some(b"GZip "), None)?;
        for piece in pieces {
            body.push(piece).await?;
        }
        Ok(body.finish()?)
    }

    #[tokio::test]
    async fn compressed_body_is_read_wherever_it_is_cut() {
        let plain = b"<methodResponse/> and so on".repeat(9);
        let (half, rest) = plain.split_at(100);
        let zipped = [gzip(half), gzip(b""), gzip(rest)].concat();
        for cut in 0..=zipped.len() {
            let (before, after) = zipped.split_at(cut);
            assert_eq!(gathered(1_000, &[before, after]).await.unwrap(), plain, "{cut}");
        }
        let bytes: Vec<&[u8]> = zipped.chunks(1).collect();
        assert_eq!(gathered(1_000, &bytes).await.unwrap(), plain);
    }

    #[tokio::test]
    async fn corrupt_and_cut_off_bodies_are_refused() {
        let zipped = gzip(b"<methodResponse/> and so on");
        let check = async |body: &[u8]| match gathered(1_000, &[body]).await {
            Err(Error::Nonsense(Nonsense::Coding)) => {}
            other => panic!("{body:?}: {other:?}"),
        };
        for cut in 0..zipped.len() {
            check(&zipped[..cut]).await;
        }
        check(b"<methodResponse/>").await;
        check(&[&zipped[..], b"rest"].concat()).await;
        let mut corrupt = zipped.clone();
        corrupt[zipped.len() / 2] ^= 1;
        check(&corrupt).await;
    }

    #[tokio::test]
    async fn inflated_bytes_end_at_the_limit() {
        let bomb = gzip(&vec![0; 3_000_000]);
        assert!(bomb.len() < 10_000);
        assert_eq!(gathered(3_000_000, &[&bomb]).await.unwrap().len(), 3_000_000);
        for max in [2_999_999, 10_000] {
            match gathered(max, &[&bomb]).await {
                Err(Error::Nonsense(Nonsense::LongBody(limit))) => assert_eq!(limit, max),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn plain_bytes_end_at_the_limit_and_make_room_as_they_come() {
        let mut body = Body::new(10, false).begin(None, Some(10)).unwrap();
        body.push(b"0123456789").await.unwrap();
        assert!(matches!(body.push(b"x").await, Err(Error::Nonsense(Nonsense::LongBody(10)))));
        assert!(matches!(Body::new(10, false).begin(None, Some(11)), Err(Nonsense::LongBody(10))));
        let max = Body::new(usize::MAX, false).begin(None, Some(u64::MAX)).unwrap();
        let Coding::Identity(plain) = max.coding else { panic!() };
        assert!(plain.bytes.capacity() <= MAX_PROMISED);
    }

    /// Room for so many bytes.
    struct Few(usize);

    impl Room for Few {
        fn take(&mut self, bytes: usize) -> Taking<'_> {
            let left = self.0.checked_sub(bytes);
            self.0 = left.unwrap_or(self.0);
            Box::pin(std::future::ready(left.map(drop).ok_or(NoRoom)))
        }
    }

    #[tokio::test]
    async fn bytes_are_kept_as_far_as_there_is_room() {
        let mut room = Few(10);
        let mut body = Body::new(100, false).within(&mut room);
        body.push(b"0123").await.unwrap();
        body.push(b"456789").await.unwrap();
        assert!(matches!(body.push(b"x").await, Err(Error::NoRoom(NoRoom))));
        assert_eq!(body.finish().unwrap(), &b"0123456789"[..]);
    }

    #[tokio::test]
    async fn inflated_bytes_are_counted_as_they_are() {
        let zipped = gzip(&[b'x'; 500_000]);
        for (bytes, fits) in [(500_000, true), (100_000, false)] {
            let mut room = Few(bytes);
            let body = Body::new(500_000, true).within(&mut room);
            let mut body = body.begin(Some(b"gzip"), None).unwrap();
            assert_eq!(body.push(&zipped).await.is_ok(), fits);
        }
    }

    #[test]
    fn codings_that_nobody_asked_for_are_refused() {
        let check = |takes_gzip, coding: &[u8]| {
            let begun = Body::new(10, takes_gzip).begin(Some(coding), None);
            assert!(matches!(begun, Err(Nonsense::Coding)), "{coding:?}");
        };
        check(false, b"gzip");
        check(true, b"br");
        check(true, b"gzip, gzip");
        assert!(Body::new(10, false).begin(Some(b"identity"), None).is_ok());
    }
}
