// tendermint-light-client-verifier and ics23 in Rust on the inputs of peer_cometbft: peer-tendermint FILE SECONDS prints one JSON line: headers and
// store proofs a second of processor time. Headers are decoded beforehand, as for Go; proofs are decoded each time, as everywhere.
use ics23::{CommitmentProof, HostFunctionsManager};
use prost::Message;
use std::collections::BTreeMap;
use std::time::Duration;
use tendermint::block::{signed_header::SignedHeader, Commit, Header};
use tendermint::validator::Set;
use tendermint::Time;
use tendermint_light_client_verifier::options::Options;
use tendermint_light_client_verifier::types::{
    TrustThreshold, TrustedBlockState, UntrustedBlockState,
};
use tendermint_light_client_verifier::{ProdVerifier, Verdict, Verifier};
use tendermint_proto::v0_38::types as raw;
use tendermint_proto::Protobuf;

const REPEAT_PROOFS: usize = 100;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(len);
        self.0 = tail;
        head
    }

    fn blob(&mut self) -> &'a [u8] {
        let len = u32::from_be_bytes(self.take(4).try_into().unwrap());
        self.take(len as usize)
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.blob().to_vec()).unwrap()
    }

    fn number(&mut self) -> i64 {
        i64::from_be_bytes(self.take(8).try_into().unwrap())
    }
}

struct Step {
    trusted: Header,
    next: Set,
    block: SignedHeader,
    set: Set,
    options: Options,
    now: Time,
}

fn header(bytes: &[u8]) -> Header {
    <Header as Protobuf<raw::Header>>::decode_vec(bytes).expect("a header")
}

fn set(bytes: &[u8]) -> Set {
    <Set as Protobuf<raw::ValidatorSet>>::decode_vec(bytes).expect("a validator set")
}

fn step(r: &mut Reader) -> Step {
    r.number(); // Go's verdict: valid
    r.blob();
    r.blob(); // the chain id, which the header has too
    let trusted = header(r.blob());
    let next = set(r.blob());
    let own = header(r.blob());
    let commit = <raw::Commit as prost_of_tendermint::Message>::decode(r.blob()).expect("a commit");
    let commit = Commit::try_from(commit).expect("a commit");
    let validators = set(r.blob());
    let now = Time::from_unix_timestamp(r.number(), r.number() as u32).unwrap();
    let trusting_period = Duration::from_nanos(r.number() as u64);
    let clock_drift = Duration::from_nanos(r.number() as u64);
    let trust_threshold = TrustThreshold::new(r.number() as u64, r.number() as u64).unwrap();
    let options = Options {
        trust_threshold,
        trusting_period,
        clock_drift,
    };
    Step {
        trusted,
        next,
        block: SignedHeader::new(own, commit).unwrap(),
        set: validators,
        options,
        now,
    }
}

fn verify_step(verifier: &ProdVerifier, s: &Step) {
    let untrusted = UntrustedBlockState {
        signed_header: &s.block,
        validators: &s.set,
        next_validators: None,
    };
    let trusted = TrustedBlockState {
        chain_id: &s.trusted.chain_id,
        header_time: s.trusted.time,
        height: s.trusted.height,
        next_validators: &s.next,
        next_validators_hash: s.trusted.next_validators_hash,
    };
    match verifier.verify_update_header(untrusted, trusted, &s.options, s.now) {
        Verdict::Success => {}
        other => panic!("refused: {other:?}"),
    }
}

struct Store<'a> {
    there: bool,
    app_hash: Vec<u8>,
    store: &'a [u8],
    key: &'a [u8],
    key_proof: &'a [u8],
    store_proof: &'a [u8],
}

fn existing(proof: &CommitmentProof) -> &[u8] {
    match proof.proof.as_ref() {
        Some(ics23::commitment_proof::Proof::Exist(e)) => &e.value,
        _ => panic!("no proof of existence"),
    }
}

fn verify_store(s: &Store, iavl: &ics23::ProofSpec, tendermint: &ics23::ProofSpec) {
    let key_proof = CommitmentProof::decode(s.key_proof).unwrap();
    let store_proof = CommitmentProof::decode(s.store_proof).unwrap();
    let root = existing(&store_proof).to_vec();
    let mut ok = ics23::verify_membership::<HostFunctionsManager>(
        &store_proof,
        tendermint,
        &s.app_hash,
        s.store,
        &root,
    );
    ok &= if s.there {
        ics23::verify_membership::<HostFunctionsManager>(
            &key_proof,
            iavl,
            &root,
            s.key,
            existing(&key_proof),
        )
    } else {
        ics23::verify_non_membership::<HostFunctionsManager>(&key_proof, iavl, &root, s.key)
    };
    assert!(ok, "a proof is refused");
}

fn processor_time() -> f64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

// Of `count` things a second, by the median of many runs.
fn rate(seconds: f64, count: usize, mut work: impl FnMut()) -> f64 {
    let mut begin = processor_time();
    let end = begin + seconds;
    let mut runs = Vec::new();
    while begin < end {
        work();
        let now = processor_time();
        runs.push(now - begin);
        begin = now;
    }
    runs.sort_by(|a, b| a.partial_cmp(b).unwrap());
    count as f64 / runs[runs.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let file = std::fs::read(&arguments[1]).expect("the inputs of peer_cometbft");
    let seconds: f64 = arguments[2].parse().expect("seconds");
    let mut reader = Reader(&file);
    let mut steps: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    let mut stores: BTreeMap<String, Vec<Store>> = BTreeMap::new();
    while !reader.0.is_empty() {
        let kind = reader.text();
        let name = reader.text();
        if kind == "step" {
            steps.entry(name).or_default().push(step(&mut reader));
            continue;
        }
        let there = name == "existence";
        let app_hash = reader.blob().to_vec();
        let (store, key) = (reader.blob(), reader.blob());
        let (key_proof, store_proof) = (reader.blob(), reader.blob());
        stores.entry(name).or_default().push(Store {
            there,
            app_hash,
            store,
            key,
            key_proof,
            store_proof,
        });
    }
    let verifier = ProdVerifier::default();
    let (iavl, tendermint) = (ics23::iavl_spec(), ics23::tendermint_spec());
    let mut made = Vec::new();
    for (name, list) in &steps {
        let figure = rate(seconds, list.len(), || {
            list.iter().for_each(|s| verify_step(&verifier, s))
        });
        made.push(format!("\"{name}\": {figure:.1}"));
    }
    for (name, list) in &stores {
        let figure = rate(seconds, list.len() * REPEAT_PROOFS, || {
            (0..REPEAT_PROOFS).for_each(|_| {
                list.iter()
                    .for_each(|s| verify_store(s, &iavl, &tendermint))
            })
        });
        made.push(format!("\"{name}\": {figure:.1}"));
    }
    println!("{{{}}}", made.join(", "));
}
