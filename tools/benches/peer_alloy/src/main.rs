// alloy-trie on the inputs of bench-mpt: peer-alloy FILE SECONDS prints one JSON line.
use alloy_primitives::{Bytes, B256};
use alloy_trie::{proof::verify_proof, root::ordered_trie_root_with_encoder, Nibbles};
use std::time::{Duration, Instant};

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (head, tail) = bytes.split_at(len);
    *bytes = tail;
    head
}

fn number(bytes: &mut &[u8]) -> usize {
    u32::from_be_bytes(take(bytes, 4).try_into().unwrap()) as usize
}

fn list(bytes: &mut &[u8]) -> Vec<Vec<u8>> {
    let count = number(bytes);
    (0..count)
        .map(|_| {
            let len = number(bytes);
            take(bytes, len).to_vec()
        })
        .collect()
}

// The median over short batches, in microseconds.
fn time(seconds: f64, repeats: u32, mut work: impl FnMut()) -> f64 {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut batches = Vec::new();
    while Instant::now() < end {
        let begin = Instant::now();
        for _ in 0..repeats {
            work();
        }
        batches.push(begin.elapsed().as_secs_f64() * 1e6 / f64::from(repeats));
    }
    batches.sort_by(|a, b| a.partial_cmp(b).unwrap());
    batches[batches.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let file = std::fs::read(&arguments[1]).expect("the file of bench-mpt --dump");
    let seconds: f64 = arguments[2].parse().expect("seconds");
    let mut rest = &file[..];
    let fixed = list(&mut rest);
    let receipts = list(&mut rest);
    let nodes: Vec<Bytes> = list(&mut rest).into_iter().map(Bytes::from).collect();
    let receipts_root = B256::from_slice(&fixed[0]);
    let state_root = B256::from_slice(&fixed[1]);
    let receipts_us = time(seconds / 2.0, 1, || {
        let root = ordered_trie_root_with_encoder(&receipts, |item, out| out.extend_from_slice(item));
        assert_eq!(root, receipts_root);
    });
    let account_us = time(seconds / 2.0, 20, || {
        let key = Nibbles::unpack(&fixed[2]);
        verify_proof(state_root, key, Some(fixed[3].clone()), &nodes).expect("the account's proof");
    });
    println!("{{\"receipts_us\": {receipts_us:.2}, \"account_us\": {account_us:.3}}}");
}
