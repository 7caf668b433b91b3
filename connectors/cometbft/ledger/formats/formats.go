// Package formats computes every hash of docs/formats.md under the suite keccak256-secp256k1 (bit 0x01). Section numbers are of
// that page. It knows no state: bytes in, bytes out.
package formats

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
	"math/bits"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

// Hash is 32 bytes: a hash, an id, an account.
type Hash [32]byte

// IsZero says whether nothing is in it.
func (h Hash) IsZero() bool { return h == Hash{} }

// Suite is the bit of keccak256-secp256k1 (§1).
const Suite = 0x01

// Kinds of log (§2).
const (
	LogMessage    = 1
	LogOutcome    = 2
	LogSettlement = 3
)

// Bits of a lane's mode (§2).
const (
	ModeOrdered = 1
	ModeRetry   = 2
)

// Forms of a message (§3).
const (
	FormFull     = 0
	FormSealed   = 1
	FormHashOnly = 2
)

// Statuses and reasons of an outcome (§4).
const (
	StatusDone     = 1
	StatusFailed   = 2
	StatusExpired  = 3
	StatusWithheld = 4
	StatusStruck   = 5
	StatusVoid     = 6

	ReasonNone      = 0
	ReasonReverted  = 1
	ReasonNoCode    = 3
	ReasonForbidden = 4
	ReasonDeadline  = 5
)

// Sizes of records (§3, §4).
const (
	recordCommitments = 54
	OutcomeRecord     = 45
)

// U8 to U64 are the fixed-width big-endian numbers of §1.
func U8(v uint8) []byte   { return []byte{v} }
func U16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
func U32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func U64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// Tagged is H of the suite over a tag of 16 bytes and the fields (§1). `name` has at most 15 characters.
func Tagged(name string, fields ...[]byte) (out Hash) {
	var tag [16]byte
	copy(tag[:15], name)
	tag[15] = 1
	hash := sha3.NewLegacyKeccak256()
	hash.Write(tag[:])
	for _, field := range fields {
		hash.Write(field)
	}
	hash.Sum(out[:0])
	return out
}

// ---- §2 identities

// Network is the id of a network by its name.
func Network(name string) Hash {
	return Tagged("isthmus/network", U8(uint8(len(name))), []byte(name))
}

// Chain is a chain's identity: its CAIP-2 id and its genesis.
func Chain(caip2 string, genesis Hash) Hash {
	return Tagged("isthmus/chain", U8(uint8(len(caip2))), []byte(caip2), genesis[:])
}

// Lane holds what names a lane.
type Lane struct {
	SourceChain, Outbox, Sender       Hash
	DestinationChain, Inbox, Receiver Hash
	Mode                              uint8
	Generation                        uint32
}

// ID is the lane's id in a network.
func (l *Lane) ID(network Hash) Hash {
	return Tagged("isthmus/lane", network[:], l.SourceChain[:], l.Outbox[:], l.Sender[:], l.DestinationChain[:],
		l.Inbox[:], l.Receiver[:], U8(l.Mode), U32(l.Generation))
}

// LogID is the id of a lane's log of a kind.
func LogID(lane Hash, kind uint8) Hash {
	return Tagged("isthmus/log", lane[:], U8(kind), U8(Suite))
}

// ---- §3 messages

// Commitment binds a payload under a salt.
func Commitment(salt Hash, payload []byte) Hash {
	return Tagged("isthmus/commit", salt[:], payload)
}

// Digest is a message's; `fields` are the first 54 + 32p bytes of its record.
func Digest(lane Hash, sequence uint64, fields []byte) Hash {
	return Tagged("isthmus/digest", lane[:], U64(sequence), fields)
}

// Run is the running hash after one more element.
func Run(running, element Hash) Hash {
	return Tagged("isthmus/run", running[:], element[:])
}

// Record is a message record (§3), as its reader checked it.
type Record struct {
	Time, Deadline uint64
	Form           uint8
	Class          uint32
	Value          [32]byte
	Suites         uint8
	Commitment     Hash // the first one: under the lowest suite of the set
	HasPayload     bool
	Salt           Hash
	Payload        []byte
	Fields         []byte // what the digest covers
}

// ErrRecord: a record with bytes that belong to no field, or fields that contradict each other.
var ErrRecord = errors.New("record malformed")

// ReadRecord reads a record strictly; it points into the bytes given. What the outbox never writes but the inbox must be able to
// step over (unknown forms and suites) is left to the caller.
func ReadRecord(in []byte) (r Record, err error) {
	if len(in) < recordCommitments {
		return r, ErrRecord
	}
	r.Time, r.Form, r.Class = binary.BigEndian.Uint64(in), in[8], binary.BigEndian.Uint32(in[9:])
	copy(r.Value[:], in[13:])
	r.Deadline, r.Suites = binary.BigEndian.Uint64(in[45:]), in[53]
	end := recordCommitments + 32*bits.OnesCount8(r.Suites)
	if len(in) < end+37 {
		return r, ErrRecord
	}
	if r.Suites != 0 {
		copy(r.Commitment[:], in[recordCommitments:])
	}
	r.Fields = in[:end]
	present, length := in[end], binary.BigEndian.Uint32(in[end+33:])
	copy(r.Salt[:], in[end+1:])
	if present > 1 || uint64(len(in)) != uint64(end)+37+uint64(length) {
		return r, ErrRecord
	}
	if present == 1 && r.Form == FormHashOnly || present == 0 && (length != 0 || !r.Salt.IsZero()) {
		return r, ErrRecord
	}
	r.HasPayload, r.Payload = present == 1, in[end+37:]
	return r, nil
}

// Bytes is the record as stored and sent. `commitments`: of all its suites, lowest bit first.
func (r *Record) Bytes(commitments []Hash) []byte {
	out := bytes.Join([][]byte{U64(r.Time), U8(r.Form), U32(r.Class), r.Value[:], U64(r.Deadline), U8(r.Suites)}, nil)
	for _, c := range commitments {
		out = append(out, c[:]...)
	}
	r.Fields = out[:len(out):len(out)]
	if !r.HasPayload {
		return append(out, make([]byte, 37)...)
	}
	return bytes.Join([][]byte{out, {1}, r.Salt[:], U32(uint32(len(r.Payload))), r.Payload}, nil)
}

// ---- §4 outcomes

// Entry is the element of an outcome log; `record` are the 45 bytes of an outcome record.
func Entry(record []byte) Hash { return Tagged("isthmus/outcome", record) }

// Outcome is the outcome record: sequence, digest, status, reason.
func Outcome(sequence uint64, digest Hash, status uint8, reason uint32) []byte {
	return bytes.Join([][]byte{U64(sequence), digest[:], U8(status), U32(reason)}, nil)
}

// ---- §5 what is signed

// HeadLeaf says: this log's first `number` elements lead to `running`.
func HeadLeaf(log Hash, number uint64, running Hash) Hash {
	return Tagged("isthmus/head", log[:], U64(number), running[:])
}

// Ruling is a border's word about a range of messages.
type Ruling struct {
	From, To      uint64
	Running       Hash // R_to
	Status        uint8
	Rule          uint32
	PolicyVersion uint64
}

// Leaf is the ruling's, about a message log.
func (r *Ruling) Leaf(log Hash) Hash {
	return Tagged("isthmus/ruling", log[:], U64(r.From), U64(r.To), r.Running[:], U8(r.Status), U32(r.Rule),
		U64(r.PolicyVersion))
}

// CloseLeaf ends a lane.
func CloseLeaf(lane Hash, last uint64, running Hash, nextGeneration uint32) Hash {
	return Tagged("isthmus/close", lane[:], U64(last), running[:], U32(nextGeneration))
}

// Member is one key of an epoch: operators lie on one side of the border and may have several keys.
type Member struct {
	Operator uint16
	Side     uint8
	Key      Hash // 12 zero bytes ‖ Ethereum address
}

// MembersHash is of a list that ascends strictly by (operator, key).
func MembersHash(members []Member) Hash {
	list := U16(uint16(len(members)))
	for _, m := range members {
		list = bytes.Join([][]byte{list, U16(m.Operator), U8(m.Side), m.Key[:]}, nil)
	}
	return Tagged("isthmus/members", list)
}

// EpochLeaf announces an epoch of a registry.
func EpochLeaf(chain, registry Hash, epoch uint64, quorum uint16, overlap uint64, members Hash) Hash {
	return Tagged("isthmus/epoch", chain[:], registry[:], U64(epoch), U16(quorum), U64(overlap), members[:])
}

// Node is the parent of two children, in whichever order.
func Node(a, b Hash) Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return Tagged("isthmus/node", a[:], b[:])
}

// Signed are the 32 bytes under an operator's signature.
func Signed(network, root Hash) Hash { return Tagged("isthmus/signed", network[:], root[:]) }

// ---- signatures (§1)

// Signature is r ‖ (y parity << 255 | s), EIP-2098.
type Signature [64]byte

var halfOrder = new(big.Int).Rsh(secp256k1.Params().N, 1)

// Recover gives the key id of the signer, and false for what is not a canonical signature.
func (s *Signature) Recover(digest Hash) (key Hash, ok bool) {
	compact := make([]byte, 65) // code ‖ r ‖ s
	copy(compact[1:], s[:])
	parity := compact[33] >> 7
	compact[33] &= 0x7f
	order, r, low := secp256k1.Params().N, new(big.Int).SetBytes(compact[1:33]), new(big.Int).SetBytes(compact[33:])
	if r.Sign() == 0 || low.Sign() == 0 || r.Cmp(order) >= 0 || low.Cmp(halfOrder) > 0 {
		return key, false
	}
	compact[0] = 27 + parity
	public, _, err := ecdsa.RecoverCompact(compact, digest[:])
	if err != nil {
		return key, false
	}
	return KeyID(public), true
}

// KeyID is 12 zero bytes and the Ethereum address of a public key.
func KeyID(public *secp256k1.PublicKey) (id Hash) {
	hash := sha3.NewLegacyKeccak256()
	hash.Write(public.SerializeUncompressed()[1:])
	copy(id[12:], hash.Sum(nil)[12:])
	return id
}

// Sign signs 32 bytes, deterministically (RFC 6979). Tests and the command line sign; the ledger never does.
func Sign(secret *secp256k1.PrivateKey, digest Hash) (s Signature) {
	compact := ecdsa.SignCompact(secret, digest[:], false)
	copy(s[:], compact[1:])
	s[32] |= (compact[0] - 27) << 7
	return s
}
