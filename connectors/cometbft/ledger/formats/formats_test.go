package formats

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"sort"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(in []byte) error {
	var text string
	if err := json.Unmarshal(in, &text); err != nil {
		return err
	}
	out, err := hex.DecodeString(text[2:])
	*h = out
	return err
}

func (h hexBytes) hash() (out Hash) { copy(out[32-len(h):], h); return out }

type examples struct {
	Network struct {
		Name string
		Ids  map[string]hexBytes
	}
	Chains map[string]struct {
		Caip2   string
		Genesis hexBytes
		Ids     map[string]hexBytes
	}
	Keys    map[string]map[string]json.RawMessage
	Members []struct {
		Operator uint16
		Side     uint8
		Key      string
	}
	Epoch struct {
		Epoch, Overlap uint64
		Quorum         uint16
	}
	Lanes []struct {
		Name, Source, Destination       string
		Outbox, Sender, Inbox, Receiver hexBytes
		Mode, Suites                    uint8
		Generation                      uint32
		Messages                        []struct {
			Sequence, Time, Deadline uint64
			Form, Suites             uint8
			Class                    uint32
			Value, Salt, Payload     hexBytes
			Commitments              []hexBytes
			Carried                  bool
			Record                   hexBytes
		}
		Outcomes []struct {
			Sequence uint64
			Status   uint8
			Reason   uint32
		}
		BySuite map[string]struct {
			Network, Source, Destination, Lane hexBytes
			Logs                               map[string]hexBytes
			Commitments, Digests, Running      []hexBytes
			OutcomeRecords                     []hexBytes `json:"outcome_records"`
			Entries                            []hexBytes
			OutcomeRunning                     []hexBytes `json:"outcome_running"`
			Members                            hexBytes
			Leaves                             []struct {
				Name  string
				Of    string
				Parts map[string]json.RawMessage
				Hash  hexBytes
			}
			Tree struct {
				Leaves []hexBytes
				Root   hexBytes
				Paths  [][]hexBytes
			}
			Signed       hexBytes
			Attestations []struct {
				Key       string
				KeyID     hexBytes `json:"key_id"`
				Signature hexBytes
			}
		} `json:"by_suite"`
	}
}

const suite = "keccak256-secp256k1"

func load(t *testing.T) (out examples) {
	t.Helper()
	text, err := os.ReadFile("../../../../tests/formats/examples.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got Hash, want hexBytes) {
	t.Helper()
	if !bytes.Equal(got[:], want) {
		t.Errorf("%s: got %x, docs/formats.md says %x", what, got, []byte(want))
	}
}

func (e *examples) members(t *testing.T) (out []Member) {
	t.Helper()
	for _, m := range e.Members {
		var key struct{ ID hexBytes }
		if err := json.Unmarshal(e.Keys[m.Key][suite], &key); err != nil {
			t.Fatal(err)
		}
		out = append(out, Member{m.Operator, m.Side, key.ID.hash()})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return a.Operator < b.Operator || a.Operator == b.Operator && bytes.Compare(a.Key[:], b.Key[:]) < 0
	})
	return out
}

func number(t *testing.T, raw json.RawMessage) (out uint64) {
	t.Helper()
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func bytesOf(t *testing.T, raw json.RawMessage) (out hexBytes) {
	t.Helper()
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// The worked examples give the same bytes here as in C, Solidity and Python.
func TestWorkedExamples(t *testing.T) {
	e := load(t)
	same(t, "network", Network(e.Network.Name), e.Network.Ids[suite])
	for name, c := range e.Chains {
		same(t, "chain "+name, Chain(c.Caip2, c.Genesis.hash()), c.Ids[suite])
	}
	for _, lane := range e.Lanes {
		s := lane.BySuite[suite]
		key := Lane{s.Source.hash(), lane.Outbox.hash(), lane.Sender.hash(), s.Destination.hash(), lane.Inbox.hash(),
			lane.Receiver.hash(), lane.Mode, lane.Generation}
		id := key.ID(s.Network.hash())
		same(t, lane.Name, id, s.Lane)
		for kind, name := range map[uint8]string{LogMessage: "message", LogOutcome: "outcome", LogSettlement: "settlement"} {
			same(t, lane.Name+" log "+name, LogID(id, kind), s.Logs[name])
		}
		running := LogID(id, LogMessage)
		same(t, lane.Name+" R_0", running, s.Running[0])
		for i, m := range lane.Messages {
			same(t, "commitment", Commitment(m.Salt.hash(), m.Payload), s.Commitments[i])
			r, err := ReadRecord(m.Record)
			if err != nil {
				t.Fatalf("%s record %d: %v", lane.Name, i+1, err)
			}
			if r.Time != m.Time || r.Deadline != m.Deadline || r.Form != m.Form || r.Class != m.Class ||
				r.Suites != m.Suites || r.HasPayload != m.Carried || r.Value != [32]byte(m.Value.hash()) {
				t.Errorf("%s record %d reads %+v", lane.Name, i+1, r)
			}
			var commitments []Hash
			for _, c := range m.Commitments {
				commitments = append(commitments, c.hash())
			}
			again := r
			if !bytes.Equal(again.Bytes(commitments), m.Record) {
				t.Errorf("%s record %d is written otherwise", lane.Name, i+1)
			}
			digest := Digest(id, m.Sequence, r.Fields)
			same(t, "digest", digest, s.Digests[i])
			running = Run(running, digest)
			same(t, "R", running, s.Running[i+1])
		}
		q := LogID(id, LogOutcome)
		for i, o := range lane.Outcomes {
			record := Outcome(o.Sequence, s.Digests[o.Sequence-1].hash(), o.Status, o.Reason)
			if !bytes.Equal(record, s.OutcomeRecords[i]) {
				t.Errorf("outcome record %d: %x", i+1, record)
			}
			same(t, "entry", Entry(record), s.Entries[i])
			q = Run(q, Entry(record))
			same(t, "Q", q, s.OutcomeRunning[i+1])
		}
		same(t, "members", MembersHash(e.members(t)), s.Members)
		for _, leaf := range s.Leaves {
			p := leaf.Parts
			h := func(name string) Hash { return bytesOf(t, p[name]).hash() }
			n := func(name string) uint64 { return number(t, p[name]) }
			switch leaf.Name {
			case "head":
				same(t, "head", HeadLeaf(h("log"), n("number"), h("running")), leaf.Hash)
			case "close":
				same(t, "close", CloseLeaf(h("lane"), n("last"), h("running"), uint32(n("next_generation"))), leaf.Hash)
			case "ruling":
				r := Ruling{n("from"), n("to"), h("running"), uint8(n("status")), uint32(n("rule")), n("policy_version")}
				same(t, "ruling", r.Leaf(h("log")), leaf.Hash)
			case "epoch":
				same(t, "epoch", EpochLeaf(h("chain"), h("registry"), n("epoch"), uint16(n("quorum")), n("overlap"),
					h("members")), leaf.Hash)
			default:
				t.Errorf("unknown leaf %s", leaf.Name)
			}
		}
		for i, leaf := range s.Tree.Leaves {
			root := leaf.hash()
			for _, sibling := range s.Tree.Paths[i] {
				root = Node(root, sibling.hash())
			}
			same(t, "root", root, s.Tree.Root)
		}
		signed := Signed(s.Network.hash(), s.Tree.Root.hash())
		same(t, "signed", signed, s.Signed)
		for _, a := range s.Attestations {
			signature := Signature(a.Signature)
			id, ok := signature.Recover(signed)
			if !ok {
				t.Errorf("signature of %s refused", a.Key)
			}
			same(t, "key id of "+a.Key, id, a.KeyID)
			secret := secp256k1.PrivKeyFromBytes(bytesOf(t, e.Keys[a.Key]["secret"]))
			if Sign(secret, signed) != signature {
				t.Errorf("signature of %s is made otherwise", a.Key)
			}
		}
	}
}

// A signature has one encoding: the other s, r or s out of range, are no signatures.
func TestOnlyCanonicalSignaturesAreTaken(t *testing.T) {
	secret := secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	digest := Tagged("isthmus/signed", []byte("x"))
	good := Sign(secret, digest)
	if id, ok := good.Recover(digest); !ok || id != KeyID(secret.PubKey()) {
		t.Fatal("a good signature is refused")
	}
	bad := []Signature{{}, good, good, good}
	var s secp256k1.ModNScalar
	low := good
	low[32] &= 0x7f
	s.SetByteSlice(low[32:])
	s.Negate()
	high := s.Bytes()
	copy(bad[1][32:], high[:]) // above half the order: its highest bit reads as parity, what remains is another number
	copy(bad[2][:32], bytes.Repeat([]byte{0xff}, 32))
	copy(bad[3][32:], make([]byte, 32))
	for i, signature := range bad {
		if id, ok := signature.Recover(digest); ok && id == KeyID(secret.PubKey()) {
			t.Errorf("signature %d is taken", i)
		}
	}
}

func TestReadRecordRefuses(t *testing.T) {
	e := load(t)
	good := []byte(e.Lanes[0].Messages[0].Record)
	for cut := range good {
		if _, err := ReadRecord(good[:cut]); err == nil {
			t.Errorf("a record cut at %d is taken", cut)
		}
	}
	if _, err := ReadRecord(append(append([]byte{}, good...), 0)); err == nil {
		t.Error("a byte after the end is taken")
	}
	hashOnly := append([]byte{}, good...)
	hashOnly[8] = FormHashOnly
	if _, err := ReadRecord(hashOnly); err == nil {
		t.Error("a payload in a hash-only record is taken")
	}
	absent := append([]byte{}, []byte(e.Lanes[0].Messages[1].Record)...)
	absent[len(absent)-5] = 1 // the salt's last byte
	if _, err := ReadRecord(absent); err == nil {
		t.Error("a salt without a payload is taken")
	}
}
