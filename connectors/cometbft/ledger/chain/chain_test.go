package chain

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"isthmus/ledger/formats"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

type memory map[string][]byte

func (m memory) Get(key []byte) []byte { return m[string(key)] }
func (m memory) Set(key, value []byte) { m[string(key)] = value }
func (m memory) Delete(key []byte)     { delete(m, string(key)) }

// world is a ledger with three operators, two of which sign for a certificate, and a peer chain that is the ledger itself: its lanes
// begin and end here.
type world struct {
	*testing.T
	store memory
	time  uint64
	keys  []*secp256k1.PrivateKey
}

func secret(number int) *secp256k1.PrivateKey {
	return secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{byte(number + 1)}, 32))
}

func (w *world) members(numbers ...int) (out []formats.Member) {
	for i, number := range numbers {
		out = append(out, formats.Member{Operator: uint16(i + 1), Side: uint8(i % 2), Key: formats.KeyID(secret(number).PubKey())})
	}
	return out
}

func newWorld(t *testing.T) *world {
	w := &world{t, memory{}, 1_800_000_000, nil}
	for i := range 3 {
		w.keys = append(w.keys, secret(i))
	}
	SetNetwork(w.store, formats.Network("demo"), "cosmos:test-1")
	if err := BeginRegistry(w.store, 2, w.members(0, 1, 2)); err != nil {
		t.Fatal(err)
	}
	SetGenesis(w.store, Hash{1, 2, 3})
	return w
}

var (
	alice    = Hash{31: 0xa1}
	receiver = Hash{31: 0xb0}
)

// call runs on a layer that is thrown away when it is refused.
func (w *world) call(sender Hash, run func(c *Call) error) ([]Event, error) {
	layer := NewOverlay(w.store)
	c := &Call{Store: layer, Time: w.time, Sender: sender}
	err := run(c)
	if err == nil {
		layer.Write()
	}
	return c.Events, err
}

func (w *world) do(sender Hash, run func(c *Call) error) []Event {
	w.Helper()
	events, err := w.call(sender, run)
	if err != nil {
		w.Fatal(err)
	}
	return events
}

func (w *world) refused(name string, run func(c *Call) error) {
	w.Helper()
	_, err := w.call(alice, run)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Name != name {
		w.Fatalf("%v instead of %s", err, name)
	}
}

func (w *world) paper(leaf Hash, signers ...int) *Certificate {
	if signers == nil {
		signers = []int{0, 2}
	}
	other := formats.HeadLeaf(Hash{7}, 1, Hash{8})
	paper := &Certificate{Epoch: CurrentEpoch(w.store)}
	for _, i := range signers {
		root := formats.Node(leaf, other)
		signature := formats.Sign(secret(i), formats.Signed(ReadIdentity(w.store).Network, root))
		paper.Attestations = append(paper.Attestations, Attestation{[]Hash{other}, signature})
	}
	return paper
}

func (w *world) open(mode uint8) (lane Hash, key LaneKey) {
	id := ReadIdentity(w.store)
	w.do(alice, func(c *Call) (err error) {
		lane, err = c.Open(id.Chain, Inbox, receiver, mode, 1, 3600)
		return err
	})
	return lane, LaneKey{id.Chain, Outbox, alice, receiver, mode, 1}
}

func (w *world) send(lane Hash, text string) (record []byte) {
	w.Helper()
	events := w.do(alice, func(c *Call) error {
		return c.Send(&Message{Lane: lane, Deadline: w.time + 600, Salt: Hash{5}, Payload: []byte(text)})
	})
	for _, attribute := range events[0].Attributes {
		if attribute.Key == "record" {
			fmt.Sscanf(attribute.Value, "%x", &record)
		}
	}
	return record
}

func (w *world) head(lane Hash, kind uint8) (count uint64, running Hash) {
	c := Call{Store: w.store}
	log := formats.LogID(lane, kind)
	switch kind {
	case formats.LogMessage:
		return c.head(Outbox, log, log)
	case formats.LogOutcome:
		return c.head(Inbox, log, log)
	default:
		return c.head(Outbox, log, formats.LogID(lane, formats.LogOutcome))
	}
}

func (w *world) deliver(lane Hash, key LaneKey, items ...[]byte) []Event {
	w.Helper()
	count, running := w.head(lane, formats.LogMessage)
	paper := w.paper(formats.HeadLeaf(formats.LogID(lane, formats.LogMessage), count, running))
	return w.do(Hash{31: 9}, func(c *Call) error { return c.Deliver(&key, count, running, paper, items) })
}

func (w *world) outcomes(events []Event) (out []string) {
	for _, event := range events {
		if event.Type == "isthmus_outcome" {
			fields := map[string]string{}
			for _, a := range event.Attributes {
				fields[a.Key] = a.Value
			}
			out = append(out, fields["sequence"]+":"+fields["status"]+":"+fields["reason"])
		}
	}
	return out
}

func (w *world) want(events []Event, outcomes ...string) {
	w.Helper()
	if got := w.outcomes(events); fmt.Sprint(got) != fmt.Sprint(outcomes) {
		w.Fatalf("outcomes %v instead of %v", got, outcomes)
	}
}

func (w *world) receive(behaviour uint8) {
	w.Helper()
	w.do(receiver, func(c *Call) error { return c.SetReceiver(behaviour) })
}

func TestMessagesTravelAndSettle(t *testing.T) {
	w := newWorld(t)
	w.receive(ReceiverRecord)
	lane, key := w.open(formats.ModeOrdered)
	records := [][]byte{w.send(lane, "one"), w.send(lane, "two"), w.send(lane, "three")}
	w.want(w.deliver(lane, key, records...), "1:1:0", "2:1:0", "3:1:0")
	if w.deliver(lane, key, records...) != nil {
		t.Fatal("a head delivered twice says something")
	}
	r, _ := formats.ReadRecord(records[1])
	if kept := w.store.Get(keyOf(prefixReceived, receiver[:], r.Commitment[:])); !bytes.HasSuffix(kept, []byte("two")) {
		t.Fatalf("the receiver has %q", kept)
	}
	count, q := w.head(lane, formats.LogOutcome)
	paper := w.paper(formats.HeadLeaf(formats.LogID(lane, formats.LogOutcome), count, q))
	var entries []byte
	for i, record := range records {
		r, _ := formats.ReadRecord(record)
		digest := formats.Digest(lane, uint64(i+1), r.Fields)
		entries = append(entries, formats.Outcome(uint64(i+1), digest, formats.StatusDone, 0)...)
	}
	w.refused("HeadDiffers", func(c *Call) error {
		return c.Settle(lane, count, q, paper, append(append(append([]byte{}, entries[45:90]...), entries[:45]...), entries[90:]...))
	})
	w.refused("EntryRepeated", func(c *Call) error {
		return c.Settle(lane, count, q, paper, append(append(append([]byte{}, entries[:45]...), entries[:45]...), entries[90:]...))
	})
	w.do(alice, func(c *Call) error { return c.Settle(lane, count, q, paper, entries) })
	call := Call{Store: w.store}
	if p := call.OutboxPosition(lane); p.Mark != 3 || p.Taken != 3 || p.Q != q {
		t.Fatalf("settled: %+v", p)
	}
	digest := formats.Digest(lane, 2, r.Fields)
	if status, _ := call.OutcomeOf(lane, 2, digest); status != formats.StatusDone {
		t.Fatalf("outcome %d", status)
	}
}

func TestOnlyAQuorumOfOneEpochIsBelieved(t *testing.T) {
	w := newWorld(t)
	lane, key := w.open(0)
	record := w.send(lane, "one")
	count, running := w.head(lane, formats.LogMessage)
	leaf := formats.HeadLeaf(formats.LogID(lane, formats.LogMessage), count, running)
	deliver := func(paper *Certificate) func(c *Call) error {
		return func(c *Call) error { return c.Deliver(&key, count, running, paper, [][]byte{record}) }
	}
	w.refused("QuorumMissing", deliver(w.paper(leaf, 0)))
	w.refused("TooManyAttestations", deliver(w.paper(leaf, make([]int, maxMembers+1)...)))
	w.refused("QuorumMissing", deliver(w.paper(leaf, 0, 0)))
	w.refused("SignerUnknown", deliver(w.paper(leaf, 0, 7)))
	w.refused("SignerUnknown", deliver(w.paper(formats.HeadLeaf(Hash{}, count, running), 0, 1)))
	strange := w.paper(leaf)
	strange.Epoch = 2
	w.refused("EpochNotValid", deliver(strange))
	rotation := formats.EpochLeaf(ReadIdentity(w.store).Chain, Registry, 2, 2, 60, formats.MembersHash(w.members(4, 5)))
	old := w.paper(leaf)
	w.refused("QuorumMissing", func(c *Call) error { return c.Rotate(2, 2, 60, w.members(4, 5), w.paper(rotation, 1)) })
	w.do(alice, func(c *Call) error { return c.Rotate(2, 2, 60, w.members(4, 5), w.paper(rotation, 1, 2)) })
	w.time += 60
	w.refused("EpochNotValid", deliver(old))
	w.time--
	w.do(alice, deliver(old))
}

func TestDeadlinesLieWithinTheLongestLife(t *testing.T) {
	w := newWorld(t)
	lane, _ := w.open(0)
	send := func(deadline uint64) func(c *Call) error {
		return func(c *Call) error { return c.Send(&Message{Lane: lane, Deadline: deadline}) }
	}
	w.refused("DeadlineInvalid", send(w.time))
	w.refused("DeadlineInvalid", send(w.time+3601))
	w.do(alice, send(w.time+1))
	w.do(alice, send(w.time+3600))
}

func TestOrderedLanesDecideInSequence(t *testing.T) {
	w := newWorld(t)
	w.receive(ReceiverRecord)
	lane, key := w.open(formats.ModeOrdered)
	records := [][]byte{w.send(lane, "one"), w.send(lane, "two"), w.send(lane, "three")}
	first, _ := formats.ReadRecord(records[0])
	digest := formats.Digest(lane, 1, first.Fields)
	w.want(w.deliver(lane, key, digest[:], records[1], records[2])) // the first one's payload is missing: all wait
	w.refused("OutOfOrder", func(c *Call) error { return c.Execute(&key, 2, records[1:]) })
	w.refused("DigestDiffers", func(c *Call) error { return c.Execute(&key, 1, records[1:2]) })
	w.refused("PayloadMissing", func(c *Call) error {
		return c.Execute(&key, 1, [][]byte{append(append([]byte{}, first.Fields...), make([]byte, 37)...)})
	})
	w.want(w.do(alice, func(c *Call) error { return c.Execute(&key, 1, records) }), "1:1:0", "2:1:0", "3:1:0")
	w.refused("NotPending", func(c *Call) error { return c.Execute(&key, 1, records) })
}

func TestRetryLanesWaitAndOnceLanesFail(t *testing.T) {
	w := newWorld(t)
	once, onceKey := w.open(0)
	w.want(w.deliver(once, onceKey, w.send(once, "x")), "1:2:3") // no receiver there
	w.receive(ReceiverRefuse)
	w.want(w.deliver(once, onceKey, w.send(once, "y")), "2:2:1")
	retry, retryKey := w.open(formats.ModeRetry)
	records := [][]byte{w.send(retry, "a"), w.send(retry, "b")}
	w.want(w.deliver(retry, retryKey, records...))
	w.want(w.do(alice, func(c *Call) error { return c.Execute(&retryKey, 1, records) })) // still refused
	w.receive(ReceiverRecord)
	w.want(w.do(alice, func(c *Call) error { return c.Execute(&retryKey, 2, records[1:]) }), "2:1:0")
	w.refused("DeadlineNotPassed", func(c *Call) error { return c.Expire(&retryKey, 1, records[0]) })
	w.time += 601
	r, _ := formats.ReadRecord(records[0])
	bare := append(append([]byte{}, r.Fields...), make([]byte, 37)...)
	w.want(w.do(alice, func(c *Call) error { return c.Expire(&retryKey, 1, bare) }), "1:3:5")
	w.refused("NotPending", func(c *Call) error { return c.Expire(&retryKey, 1, bare) })
	late := w.send(retry, "c")
	w.time += 601
	w.want(w.deliver(retry, retryKey, late), "3:3:5") // expired before it was executed
}

func TestRulingsAndClosing(t *testing.T) {
	w := newWorld(t)
	w.receive(ReceiverRecord)
	lane, key := w.open(formats.ModeOrdered)
	records := [][]byte{w.send(lane, "one"), w.send(lane, "two")}
	count, running := w.head(lane, formats.LogMessage)
	log := formats.LogID(lane, formats.LogMessage)
	var digests []Hash
	for i, record := range records {
		r, _ := formats.ReadRecord(record)
		digests = append(digests, formats.Digest(lane, uint64(i+1), r.Fields))
	}
	ruling := formats.Ruling{From: 1, To: 2, Running: running, Status: formats.StatusWithheld, Rule: 12, PolicyVersion: 5}
	paper := w.paper(ruling.Leaf(log))
	w.refused("HeadDiffers", func(c *Call) error { return c.Rule(&key, &ruling, paper, []Hash{digests[1], digests[0]}) })
	w.want(w.do(alice, func(c *Call) error { return c.Rule(&key, &ruling, paper, digests) }), "1:4:12", "2:4:12")
	closing := formats.CloseLeaf(lane, count, running, 2)
	w.refused("QuorumMissing", func(c *Call) error { return c.CloseInbox(&key, count, running, 2, w.paper(closing, 0)) })
	w.refused("SideMissing", func(c *Call) error { return c.CloseInbox(&key, count, running, 2, w.paper(closing, 0, 2)) })
	all := w.paper(closing, 0, 1, 2)
	w.send(lane, "lost")
	w.do(alice, func(c *Call) error { return c.CloseOutbox(lane, count, running, 2, all) })
	w.refused("LaneClosed", func(c *Call) error {
		return c.Send(&Message{Lane: lane, Deadline: w.time + 1})
	})
	call := Call{Store: w.store, Time: w.time}
	if status, _ := call.OutcomeOf(lane, 3, Hash{9}); status != formats.StatusVoid {
		t.Fatalf("the message beyond the end has status %d", status)
	}
	key2 := key
	key2.Generation = 2
	next := call.inboxLane(&key, 2)
	record := w.send(next, "new")
	n, r := w.head(next, formats.LogMessage)
	newPaper := w.paper(formats.HeadLeaf(formats.LogID(next, formats.LogMessage), n, r))
	deliver := func(c *Call) error { return c.Deliver(&key2, n, r, newPaper, [][]byte{record}) }
	w.refused("PreviousGenerationOpen", deliver)
	w.do(alice, func(c *Call) error { return c.CloseInbox(&key, count, running, 2, all) })
	w.want(w.do(alice, deliver), "1:1:0")
}

func TestTransactionsHaveOneReading(t *testing.T) {
	w := newWorld(t)
	chain := ReadIdentity(w.store).Chain
	raw := SignTx(chain, secret(3), TxReceiver, 4, []byte{ReceiverRecord})
	tx, err := ReadTx(chain, raw)
	if err != nil || tx.Kind != TxReceiver || tx.Sequence != 4 || tx.Sender != formats.KeyID(secret(3).PubKey()) {
		t.Fatalf("%+v, %v", tx, err)
	}
	for bit := range 8 * len(raw) {
		bad := append([]byte{}, raw...)
		bad[bit/8] ^= 1 << (bit % 8)
		if other, err := ReadTx(chain, bad); err == nil && other.Sender == tx.Sender {
			t.Fatalf("bit %d may be flipped", bit)
		}
	}
	if other, err := ReadTx(Hash{9}, raw); err == nil && other.Sender == tx.Sender {
		t.Fatal("a transaction of another chain is taken")
	}
	long := SignTx(chain, secret(3), TxReceiver, 4, []byte{ReceiverRecord, 0})
	tx, _ = ReadTx(chain, long)
	if _, err := w.call(tx.Sender, func(c *Call) error { return c.Run(&tx) }); !errors.Is(err, ErrTx) {
		t.Fatalf("bytes after the fields: %v", err)
	}
}

func TestValidatorsAreTheAdminsAlone(t *testing.T) {
	w := newWorld(t)
	BeginValidators(w.store, map[Hash]uint64{{1}: 10})
	w.refused("NotAdmin", func(c *Call) error { return c.SetValidator(Hash{2}, 5) })
	SetAdmin(w.store, alice)
	w.refused("LastValidator", func(c *Call) error { return c.SetValidator(Hash{1}, 0) })
	w.refused("ValidatorUnknown", func(c *Call) error { return c.SetValidator(Hash{2}, 0) })
	w.do(alice, func(c *Call) error { return c.SetValidator(Hash{2}, 5) })
	w.do(alice, func(c *Call) error { return c.SetValidator(Hash{1}, 0) })
	if ValidatorPower(w.store, Hash{2}) != 5 || ValidatorPower(w.store, Hash{1}) != 0 {
		t.Fatal("powers")
	}
}
