package chain

import (
	"encoding/binary"
	"errors"

	"isthmus/ledger/formats"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// Kinds of transaction. README.md of the ledger has the fields of each.
const (
	TxOpen           = 1
	TxSend           = 2
	TxSendCommitment = 3
	TxSettle         = 4
	TxCloseOutbox    = 5
	TxDeliver        = 6
	TxExecute        = 7
	TxExpire         = 8
	TxRule           = 9
	TxCloseInbox     = 10
	TxRotate         = 11
	TxReceiver       = 12
	TxValidator      = 13
)

const (
	txVersion   = 1
	txHead      = 1 + 1 + 8 // version, kind, sequence
	txSignature = 64
)

// ErrTx: bytes that are no transaction.
var ErrTx = errors.New("transaction malformed")

// ErrSignature: a signature in another than its one encoding.
var ErrSignature = errors.New("signature not canonical")

// Tx is a transaction as read: who signed it, its place among his, and what it asks for.
type Tx struct {
	Kind     uint8
	Sequence uint64
	Sender   Hash
	body     []byte
}

func txDigest(chain Hash, unsigned []byte) Hash {
	return formats.Tagged("isthmus/tx", chain[:], unsigned)
}

// ReadTx reads the frame of a transaction: u8 version ‖ u8 kind ‖ u64 sequence ‖ fields of the kind ‖ signature, which is over the
// chain's identity and all before it.
func ReadTx(chain Hash, in []byte) (tx Tx, err error) {
	if len(in) < txHead+txSignature || in[0] != txVersion || in[1] < TxOpen || in[1] > TxValidator {
		return tx, ErrTx
	}
	unsigned := in[:len(in)-txSignature]
	signature := formats.Signature(in[len(unsigned):])
	sender, ok := signature.Recover(txDigest(chain, unsigned))
	if !ok {
		return tx, ErrSignature
	}
	return Tx{in[1], binary.BigEndian.Uint64(in[2:]), sender, unsigned[txHead:]}, nil
}

// SignTx makes a transaction.
func SignTx(chain Hash, secret *secp256k1.PrivateKey, kind uint8, sequence uint64, fields []byte) []byte {
	unsigned := append(append([]byte{txVersion, kind}, formats.U64(sequence)...), fields...)
	signature := formats.Sign(secret, txDigest(chain, unsigned))
	return append(unsigned, signature[:]...)
}

// Run executes a transaction whose sequence the caller has checked.
func (c *Call) Run(tx *Tx) error { return runners[tx.Kind](c, &fields{in: tx.body}) }

// Each reads all its fields first; the order in which Go evaluates the readers is the order in which they are written.
var runners = [TxValidator + 1]func(c *Call, in *fields) error{
	TxOpen: func(c *Call, in *fields) error {
		chain, inbox, receiver, mode, suites, life := in.hash(), in.hash(), in.hash(), in.u8(), in.u8(), in.u32()
		return in.then(func() error { _, err := c.Open(chain, inbox, receiver, mode, suites, life); return err })
	},
	TxSend: func(c *Call, in *fields) error {
		m := in.message()
		m.Salt, m.Payload = in.hash(), in.bytes()
		m.Commitments = in.hashes(int(in.u8()))
		return in.then(func() error { return c.Send(&m) })
	},
	TxSendCommitment: func(c *Call, in *fields) error {
		m := in.message()
		m.Commitments = in.hashes(int(in.u8()))
		return in.then(func() error { return c.SendCommitment(&m) })
	},
	TxSettle: func(c *Call, in *fields) error {
		lane, count, running, paper, records := in.hash(), in.u64(), in.hash(), in.certificate(), in.bytes()
		return in.then(func() error { return c.Settle(lane, count, running, &paper, records) })
	},
	TxCloseOutbox: func(c *Call, in *fields) error {
		lane, last, running, next, paper := in.hash(), in.u64(), in.hash(), in.u32(), in.certificate()
		return in.then(func() error { return c.CloseOutbox(lane, last, running, next, &paper) })
	},
	TxDeliver: func(c *Call, in *fields) error {
		key, count, running, paper, items := in.lane(), in.u64(), in.hash(), in.certificate(), in.items()
		return in.then(func() error { return c.Deliver(&key, count, running, &paper, items) })
	},
	TxExecute: func(c *Call, in *fields) error {
		key, sequence, records := in.lane(), in.u64(), in.items()
		return in.then(func() error { return c.Execute(&key, sequence, records) })
	},
	TxExpire: func(c *Call, in *fields) error {
		key, sequence, record := in.lane(), in.u64(), in.bytes()
		return in.then(func() error { return c.Expire(&key, sequence, record) })
	},
	TxRule: func(c *Call, in *fields) error {
		key := in.lane()
		ruling := formats.Ruling{From: in.u64(), To: in.u64(), Running: in.hash(), Status: in.u8(), Rule: in.u32(),
			PolicyVersion: in.u64()}
		paper, digests := in.certificate(), in.hashes(int(in.u16()))
		return in.then(func() error { return c.Rule(&key, &ruling, &paper, digests) })
	},
	TxCloseInbox: func(c *Call, in *fields) error {
		key, last, running, next, paper := in.lane(), in.u64(), in.hash(), in.u32(), in.certificate()
		return in.then(func() error { return c.CloseInbox(&key, last, running, next, &paper) })
	},
	TxRotate: func(c *Call, in *fields) error {
		epoch, quorum, overlap := in.u64(), in.u16(), in.u64()
		members, paper := in.members(), in.certificate()
		return in.then(func() error { return c.Rotate(epoch, quorum, overlap, members, &paper) })
	},
	TxReceiver: func(c *Call, in *fields) error {
		behaviour := in.u8()
		return in.then(func() error { return c.SetReceiver(behaviour) })
	},
	TxValidator: func(c *Call, in *fields) error {
		key, power := in.hash(), in.u64()
		return in.then(func() error { return c.SetValidator(key, power) })
	},
}

// fields reads a body from its front. After the first lack everything reads as zero, and done says no.
type fields struct {
	in     []byte
	failed bool
}

func (f *fields) take(size int) []byte {
	if f.failed || size < 0 || size > len(f.in) {
		f.failed = true
		return nil
	}
	out := f.in[:size:size]
	f.in = f.in[size:]
	return out
}

func (f *fields) done() bool { return !f.failed && len(f.in) == 0 }

func (f *fields) then(run func() error) error {
	if !f.done() {
		return ErrTx
	}
	return run()
}

func (f *fields) number(size int) (out uint64) {
	for _, b := range f.take(size) {
		out = out<<8 | uint64(b)
	}
	return out
}

func (f *fields) u8() uint8   { return uint8(f.number(1)) }
func (f *fields) u16() uint16 { return uint16(f.number(2)) }
func (f *fields) u32() uint32 { return uint32(f.number(4)) }
func (f *fields) u64() uint64 { return f.number(8) }

func (f *fields) hash() (out Hash) { copy(out[:], f.take(32)); return out }

// bytes is u32 length ‖ bytes.
func (f *fields) bytes() []byte { return f.take(int(f.u32())) }

func (f *fields) hashes(count int) (out []Hash) {
	for all := f.take(32 * count); len(all) != 0; all = all[32:] {
		out = append(out, Hash(all[:32]))
	}
	return out
}

// items is u16 count ‖ count × (u32 length ‖ bytes).
func (f *fields) items() (out [][]byte) {
	for count := f.u16(); count != 0 && !f.failed; count-- {
		out = append(out, f.bytes())
	}
	return out
}

func (f *fields) message() Message {
	m := Message{Lane: f.hash(), Form: f.u8(), Class: f.u32()}
	m.Value = f.hash()
	m.Deadline = f.u64()
	return m
}

// lane is source chain ‖ outbox ‖ sender ‖ receiver ‖ u8 mode ‖ u32 generation.
func (f *fields) lane() LaneKey {
	return LaneKey{f.hash(), f.hash(), f.hash(), f.hash(), f.u8(), f.u32()}
}

// certificate is u64 epoch ‖ u8 count ‖ count × (u8 length of the path ‖ path ‖ signature).
func (f *fields) certificate() (paper Certificate) {
	paper.Epoch = f.u64()
	for count := f.u8(); count != 0 && !f.failed; count-- {
		a := Attestation{Path: f.hashes(int(f.u8()))}
		copy(a.Signature[:], f.take(64))
		paper.Attestations = append(paper.Attestations, a)
	}
	return paper
}

// members is u16 count ‖ count × (u16 operator ‖ u8 side ‖ key).
func (f *fields) members() (out []formats.Member) {
	for count := f.u16(); count != 0 && !f.failed; count-- {
		out = append(out, formats.Member{Operator: f.u16(), Side: f.u8(), Key: f.hash()})
	}
	return out
}
