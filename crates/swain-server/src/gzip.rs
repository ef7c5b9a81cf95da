//! Compression (spec P23): of what is whole, and of streams whose every batch can be read at once.
//!
//! A stream keeps no compressor between its batches: each batch is compressed by itself and ends on a byte, so that
//! thousands of silent streams cost nothing. What is lost by it is that a batch cannot refer to those before it.

use std::io::Write as _;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};

/// RFC 1952: magic, deflate, no flags, no time, no hints, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// RFC 1951: the last block, empty.
const LAST_BLOCK: [u8; 2] = [3, 0];
/// The most that one block can hold as it is.
const STORED_BYTES_MAX: usize = 0xffff;
/// Smaller batches travel as they are: compressed without what came before they would hardly shrink.
const BATCH_BYTES_MIN: usize = 256;

/// Whether a request says that its sender reads gzip.
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        is_gzip && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// Something that is whole.
pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

/// A gzip stream that grows by batches.
pub(crate) struct GzipStream {
    sum: Crc,
    is_begun: bool,
}

impl GzipStream {
    pub(crate) fn new() -> Self {
        Self { sum: Crc::new(), is_begun: false }
    }

    /// The bytes after which everything up to the end of this batch can be read.
    pub(crate) fn batch(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() / 2 + 64);
        self.begin(&mut out);
        self.sum.update(bytes);
        if bytes.len() < BATCH_BYTES_MIN {
            store(bytes, &mut out);
        } else {
            deflate(bytes, &mut out);
        }
        out
    }

    /// The last bytes.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.begin(&mut out);
        out.extend(LAST_BLOCK);
        out.extend(self.sum.sum().to_le_bytes());
        out.extend(self.sum.amount().to_le_bytes());
        out
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.is_begun, true) {
            out.extend(HEADER);
        }
    }
}

/// Blocks of RFC 1951 §3.2.4.
fn store(bytes: &[u8], out: &mut Vec<u8>) {
    for block in bytes.chunks(STORED_BYTES_MAX) {
        let length = u16::try_from(block.len()).expect("a chunk is no longer than a block");
        out.push(0);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
}

fn deflate(bytes: &[u8], out: &mut Vec<u8>) {
    let mut compressor = Compress::new(Compression::fast(), false);
    loop {
        out.reserve(4096);
        let read = usize::try_from(compressor.total_in()).expect("it read what is in memory");
        let done = compressor.compress_vec(&bytes[read..], out, FlushCompress::Sync);
        done.expect("compressing has no wrong input");
        // Room that is left says that everything is out.
        if compressor.total_in() == bytes.len() as u64 && out.len() < out.capacity() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn every_batch_can_be_read_when_it_has_come() {
        let lengths = [1, 255, 256, 5_000, 70_000, 300_000, 3];
        let mut stream = GzipStream::new();
        let (mut sent, mut wanted) = (Vec::new(), Vec::new());

        for (n, length) in lengths.into_iter().enumerate() {
            let batch: Vec<u8> = (0..length).map(|at| (at * (at / 7 + n)) as u8 & 0x3f).collect();
            sent.extend(stream.batch(&batch));
            wanted.extend(batch);
            let mut read = vec![0; wanted.len()];
            GzDecoder::new(&*sent).read_exact(&mut read).unwrap();
            assert!(read == wanted, "batch {n}");
        }
        sent.extend(stream.end());
        let mut read = Vec::new();
        GzDecoder::new(&*sent).read_to_end(&mut read).unwrap();

        assert!(read == wanted);
        assert!(sent.len() < wanted.len());
    }

    #[test]
    fn what_is_accepted_is_named_with_a_weight() {
        let accepts = |value: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            is_accepted(&headers)
        };

        for good in ["gzip", "br, GZIP", "gzip;q=0.5", "deflate, gzip; q=1"] {
            assert!(accepts(good), "{good}");
        }
        for bad in ["", "br", "gzip;q=0", "gzip;q=none", "identity"] {
            assert!(!accepts(bad), "{bad}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }
}
