use serde::de::{MapAccess, SeqAccess};

use super::place::{At, Place};
use super::reader::Reader;
use super::request::{InRequest, Invalid, Request};
use crate::xmlrpc::Value;

/// A document of JSON-RPC, as a server is sent it.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// One request.
    Single(Result<Request, Invalid>),
    /// Requests that are answered together; never empty.
    Batch(Vec<Result<Request, Invalid>>),
}

/// Where a message stands, whose batch has so many requests at most. Nothing is read of what is
/// neither request nor batch.
#[derive(Clone, Copy)]
pub(super) struct InMessage {
    pub(super) max_batch: usize,
}

impl Place for InMessage {
    type Read = Option<Message>;

    fn scalar(self, _: Value) -> Option<Message> {
        None
    }

    fn array<'de, A: SeqAccess<'de>>(
        self,
        reader: &mut Reader,
        mut array: A,
    ) -> Result<Option<Message>, A::Error> {
        let mut batch = Vec::new();
        while let Some(request) = array.next_element_seed(At { place: InRequest, reader })? {
            if batch.len() == self.max_batch {
                return Err(reader.over_limit(self.max_batch, "requests in a batch"));
            }
            batch.push(request);
        }
        Ok((!batch.is_empty()).then_some(Message::Batch(batch)))
    }

    fn object<'de, A: MapAccess<'de>>(
        self,
        reader: &mut Reader,
        object: A,
    ) -> Result<Option<Message>, A::Error> {
        InRequest.object(reader, object).map(|request| Some(Message::Single(request)))
    }
}
