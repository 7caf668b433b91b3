package chain

import (
	"crypto/sha256"

	"isthmus/ledger/formats"
)

// Module is the account of a module: 12 zero bytes and the first 20 of SHA-256 of its name, as Cosmos modules have them (ADR-28).
func Module(name string) (account Hash) {
	sum := sha256.Sum256([]byte(name))
	copy(account[12:], sum[:20])
	return account
}

// The accounts of this ledger's parts, the same on every chain.
var (
	Outbox   = Module("isthmus/outbox")
	Inbox    = Module("isthmus/inbox")
	Registry = Module("isthmus/registry")
)

// Identity is which chain of which network this is.
type Identity struct {
	Network, Chain, Genesis Hash
	CAIP2                   string
}

// SetNetwork is written at genesis, when nobody knows the hash of the first block yet.
func SetNetwork(s Store, network Hash, caip2 string) {
	setIdentity(s, Identity{Network: network, CAIP2: caip2})
}

// SetGenesis completes the identity with the hash of the chain's first block, in that block.
func SetGenesis(s Store, genesis Hash) {
	id := ReadIdentity(s)
	id.Genesis, id.Chain = genesis, formats.Chain(id.CAIP2, genesis)
	setIdentity(s, id)
}

func setIdentity(s Store, id Identity) {
	value := keyOf("", id.Network[:], id.Chain[:], id.Genesis[:], formats.U8(uint8(len(id.CAIP2))), []byte(id.CAIP2))
	s.Set([]byte(keyIdentity), value)
}

// ReadIdentity is the identity; before the first block its chain and genesis are zero.
func ReadIdentity(s Store) (id Identity) {
	value := s.Get([]byte(keyIdentity))
	if value == nil {
		return id
	}
	copy(id.Network[:], value)
	copy(id.Chain[:], value[32:])
	copy(id.Genesis[:], value[64:])
	id.CAIP2 = string(value[97:])
	return id
}

// SetAdmin names the account that may change validators; zero: nobody.
func SetAdmin(s Store, account Hash) { s.Set([]byte(keyAdmin), account[:]) }

// IsAdmin says whether the caller may change validators.
func (c *Call) IsAdmin() bool {
	admin := c.hash([]byte(keyAdmin))
	return !admin.IsZero() && admin == c.Sender
}

// Sequence is the number of transactions that an account has had: the next one carries it.
func Sequence(s Store, account Hash) uint64 {
	c := Call{Store: s}
	return c.numbers(keyOf(prefixSequence, account[:]), 1)[0]
}

// SetSequence is for who checked that the transaction carried the former one.
func SetSequence(s Store, account Hash, sequence uint64) {
	c := Call{Store: s}
	c.setNumbers(keyOf(prefixSequence, account[:]), sequence)
}
