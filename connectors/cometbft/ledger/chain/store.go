// Package chain is the chain side of Isthmus for CometBFT, without CometBFT: the outbox, the inbox and the registry of
// connectors/evm/contracts, over any ordered store. The same calls give the same words: a refusal has the name that the contract's
// error has.
package chain

import (
	"encoding/binary"
	"fmt"
	"sort"

	"isthmus/ledger/formats"
)

type Hash = formats.Hash

// Store is where state lies. Values are never nil and never changed in place.
type Store interface {
	Get(key []byte) []byte // nil: absent
	Set(key, value []byte)
	Delete(key []byte)
}

// Overlay keeps changes apart from the store below until Write.
type Overlay struct {
	below   Store
	changes map[string][]byte // nil: deleted
}

// NewOverlay begins without changes.
func NewOverlay(below Store) *Overlay { return &Overlay{below, map[string][]byte{}} }

func (o *Overlay) Get(key []byte) []byte {
	if value, ok := o.changes[string(key)]; ok {
		return value
	}
	return o.below.Get(key)
}

func (o *Overlay) Set(key, value []byte) { o.changes[string(key)] = append([]byte{}, value...) }
func (o *Overlay) Delete(key []byte)     { o.changes[string(key)] = nil }

// Write gives the changes to the store below in the order of their keys, as a tree's shape depends on the order, and begins anew.
func (o *Overlay) Write() {
	keys := make([]string, 0, len(o.changes))
	for key := range o.changes {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if value := o.changes[key]; value == nil {
			o.below.Delete([]byte(key))
		} else {
			o.below.Set([]byte(key), value)
		}
	}
	o.changes = map[string][]byte{}
}

// Refusal is why a call changes nothing: the name of the contract's error and its arguments.
type Refusal struct {
	Name string
	Args []any
}

func (r *Refusal) Error() string {
	text := r.Name + "("
	for i, arg := range r.Args {
		if i != 0 {
			text += ", "
		}
		if hash, ok := arg.(Hash); ok {
			text += fmt.Sprintf("0x%x", hash[:])
		} else {
			text += fmt.Sprint(arg)
		}
	}
	return text + ")"
}

func refuse(name string, args ...any) error { return &Refusal{name, args} }

// Attribute is a field of an event.
type Attribute struct {
	Key, Value string
	Index      bool
}

// Event is a hint for whoever watches: nothing in it is proven by itself.
type Event struct {
	Type       string
	Attributes []Attribute
}

// Call is one transaction under way: the state, the block's time (Unix seconds), who calls, and what it said so far.
type Call struct {
	Store
	Time   uint64
	Sender Hash
	Events []Event
}

func (c *Call) emit(kind string, fields ...any) {
	event := Event{Type: "isthmus_" + kind}
	for i := 0; i+1 < len(fields); i += 2 {
		name := fields[i].(string)
		index := name == "lane" || name == "sequence" || name == "index" || name == "epoch"
		value := ""
		switch v := fields[i+1].(type) {
		case Hash:
			value = fmt.Sprintf("%x", v[:])
		case []byte:
			value = fmt.Sprintf("%x", v)
		default:
			value = fmt.Sprint(v)
		}
		event.Attributes = append(event.Attributes, Attribute{name, value, index})
	}
	c.Events = append(c.Events, event)
}

// ---- keys and values. Every value is of fixed width, but the ones said to be lists

const (
	prefixHead     = "head/"     // ‖ account ‖ log id → u64 number ‖ running hash: the one key of a log that proofs read
	prefixSequence = "sequence/" // ‖ account → u64: transactions of this account so far
	prefixSettings = "settings/" // ‖ lane → settings of an outbox's lane
	prefixOutbox   = "outbox/"   // ‖ lane → u64 time of the newest message ‖ settled mark
	prefixClosing  = "closing/"  // ‖ account ‖ lane → u64 last ‖ running ‖ u32 next generation
	prefixOutcome  = "outcome/"  // ‖ digest → u64 sequence ‖ u8 status ‖ u32 reason
	prefixSettled  = "settled/"  // ‖ lane ‖ u64 word → 32 bytes: bit of sequence n is n - 1
	prefixPending  = "pending/"  // ‖ lane ‖ u64 sequence → digest
	prefixEpoch    = "epoch/"    // ‖ u64 epoch → u16 quorum ‖ list of members
	prefixReceiver = "receiver/" // ‖ account → u8 behaviour
	prefixReceived = "received/" // ‖ account ‖ commitment → lane ‖ u64 sequence ‖ u8 form ‖ payload (a list)
	keyRegistry    = "registry"  // u64 current ‖ u64 overlap end
	keyIdentity    = "identity"  // network ‖ chain ‖ genesis ‖ u8 length ‖ CAIP-2 id
	keyAdmin       = "admin"     // account that may change validators
)

func keyOf(prefix string, parts ...[]byte) []byte {
	key := []byte(prefix)
	for _, part := range parts {
		key = append(key, part...)
	}
	return key
}

// HeadKey is the key under which proofs find a log's head in the outbox or inbox at `account`.
func HeadKey(account, log Hash) []byte { return keyOf(prefixHead, account[:], log[:]) }

// PendingPrefix begins the keys of a lane's undecided messages.
func PendingPrefix(lane Hash) []byte { return keyOf(prefixPending, lane[:]) }

func (c *Call) head(account, log, beginning Hash) (number uint64, running Hash) {
	value := c.Get(HeadKey(account, log))
	if value == nil {
		return 0, beginning
	}
	return binary.BigEndian.Uint64(value), Hash(value[8:40])
}

func (c *Call) setHead(account, log Hash, number uint64, running Hash) {
	c.Set(HeadKey(account, log), append(formats.U64(number), running[:]...))
}

// numbers reads u64s; absent ones are zero.
func (c *Call) numbers(key []byte, count int) []uint64 {
	out, value := make([]uint64, count), c.Get(key)
	for i := range out {
		if value != nil {
			out[i] = binary.BigEndian.Uint64(value[8*i:])
		}
	}
	return out
}

func (c *Call) setNumbers(key []byte, numbers ...uint64) {
	var value []byte
	for _, number := range numbers {
		value = binary.BigEndian.AppendUint64(value, number)
	}
	c.Set(key, value)
}

func (c *Call) hash(key []byte) (out Hash) { copy(out[:], c.Get(key)); return out }

// closing is the end of a lane at the outbox or the inbox; nextGeneration 0: it is open.
type closing struct {
	last           uint64
	running        Hash
	nextGeneration uint32
}

func (c *Call) closing(account, lane Hash) (end closing) {
	if value := c.Get(keyOf(prefixClosing, account[:], lane[:])); value != nil {
		end = closing{binary.BigEndian.Uint64(value), Hash(value[8:40]), binary.BigEndian.Uint32(value[40:])}
	}
	return end
}

func (c *Call) setClosing(account, lane Hash, end closing) {
	c.Set(keyOf(prefixClosing, account[:], lane[:]),
		append(append(formats.U64(end.last), end.running[:]...), formats.U32(end.nextGeneration)...))
}

// ReadNumber and WriteNumber are for the application's own numbers.
func ReadNumber(s Store, key []byte) uint64 {
	c := Call{Store: s}
	return c.numbers(key, 1)[0]
}

func WriteNumber(s Store, key []byte, number uint64) {
	c := Call{Store: s}
	c.setNumbers(key, number)
}

// OutboxPosition is how far a lane that begins here is: sent, and outcomes taken.
type OutboxPosition struct {
	Count, Taken, Mark uint64
	R, Q               Hash
}

// OutboxPosition reads it; a lane that is not there reads as one that is empty.
func (c *Call) OutboxPosition(lane Hash) (p OutboxPosition) {
	log := formats.LogID(lane, formats.LogMessage)
	p.Count, p.R = c.head(Outbox, log, log)
	p.Taken, p.Q = c.head(Outbox, formats.LogID(lane, formats.LogSettlement), formats.LogID(lane, formats.LogOutcome))
	p.Mark = c.numbers(keyOf(prefixOutbox, lane[:]), 2)[1]
	return p
}

// InboxPosition is how far a lane that ends here is: accepted and decided.
type InboxPosition struct {
	Accepted, Decided uint64
	R, Q              Hash
}

// InboxPosition reads it; a lane that is not there reads as one that is empty.
func (c *Call) InboxPosition(lane Hash) (p InboxPosition) {
	log, outcomes := formats.LogID(lane, formats.LogMessage), formats.LogID(lane, formats.LogOutcome)
	p.Accepted, p.R = c.head(Inbox, log, log)
	p.Decided, p.Q = c.head(Inbox, outcomes, outcomes)
	return p
}
