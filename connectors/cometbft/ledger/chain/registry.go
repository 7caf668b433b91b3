package chain

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"isthmus/ledger/formats"
)

// Bounds of an epoch, as in Registry.sol.
const (
	maxOperators = 64
	maxMembers   = 128
	maxSides     = 16
	maxPath      = 16
	maxOverlap   = 30 * 86400
)

// Attestation is one operator's signature over the root of a tree that holds the leaf.
type Attestation struct {
	Path      []Hash
	Signature formats.Signature
}

// Certificate holds attestations over one leaf, all by members of one epoch.
type Certificate struct {
	Epoch        uint64
	Attestations []Attestation
}

type epoch struct {
	quorum  uint16
	members []formats.Member
}

func (c *Call) epoch(number uint64) (e epoch, ok bool) {
	value := c.Get(keyOf(prefixEpoch, formats.U64(number)))
	if value == nil {
		return e, false
	}
	e.quorum = binary.BigEndian.Uint16(value)
	for at := 2; at < len(value); at += 35 {
		e.members = append(e.members, formats.Member{Operator: binary.BigEndian.Uint16(value[at:]), Side: value[at+2],
			Key: Hash(value[at+3 : at+35])})
	}
	return e, true
}

// CurrentEpoch is the epoch that may rotate and sign.
func CurrentEpoch(s Store) uint64 {
	c := Call{Store: s}
	return c.numbers([]byte(keyRegistry), 2)[0]
}

// BeginRegistry begins epoch 1, at genesis.
func BeginRegistry(s Store, quorum uint16, members []formats.Member) error {
	c := Call{Store: s}
	return c.beginEpoch(1, quorum, 0, members)
}

func (c *Call) validEpoch(number uint64) bool {
	registry := c.numbers([]byte(keyRegistry), 2)
	current, overlapEnd := registry[0], registry[1]
	return number == current || number != 0 && number == current-1 && c.Time < overlapEnd
}

// signers are the operators of the certificate's epoch that signed the leaf: at least its quorum.
func (c *Call) signers(leaf Hash, paper *Certificate) (e epoch, signed map[uint16]bool, err error) {
	if !c.validEpoch(paper.Epoch) {
		return e, nil, refuse("EpochNotValid", paper.Epoch)
	}
	e, _ = c.epoch(paper.Epoch)
	operators := map[Hash]uint16{}
	for _, m := range e.members {
		operators[m.Key] = m.Operator
	}
	if len(paper.Attestations) > maxMembers {
		return e, nil, refuse("TooManyAttestations", len(paper.Attestations))
	}
	network := ReadIdentity(c).Network
	signed = map[uint16]bool{}
	for i := range paper.Attestations {
		a := &paper.Attestations[i]
		if len(a.Path) > maxPath {
			return e, nil, refuse("PathTooLong", len(a.Path))
		}
		root := leaf
		for _, sibling := range a.Path {
			root = formats.Node(root, sibling)
		}
		signer, ok := a.Signature.Recover(formats.Signed(network, root))
		if !ok {
			return e, nil, refuse("SignatureNotCanonical", i)
		}
		operator, ok := operators[signer]
		if !ok {
			return e, nil, refuse("SignerUnknown", i, signer)
		}
		signed[operator] = true
	}
	if len(signed) < int(e.quorum) {
		return e, nil, refuse("QuorumMissing", len(signed), e.quorum)
	}
	return e, signed, nil
}

func (c *Call) verify(leaf Hash, paper *Certificate) error {
	_, _, err := c.signers(leaf, paper)
	return err
}

// verifyClose also wants more than half of the operators of every side.
func (c *Call) verifyClose(leaf Hash, paper *Certificate) error {
	e, signed, err := c.signers(leaf, paper)
	if err != nil {
		return err
	}
	var have, all [256]int
	seen := map[uint16]bool{}
	for _, m := range e.members {
		if seen[m.Operator] {
			continue
		}
		seen[m.Operator] = true
		all[m.Side]++
		if signed[m.Operator] {
			have[m.Side]++
		}
	}
	for side := range all {
		if all[side] != 0 && 2*have[side] <= all[side] {
			return refuse("SideMissing", side, have[side], all[side])
		}
	}
	return nil
}

// Rotate begins the next epoch, by a certificate of the current one, which goes on signing for `overlap` seconds.
func (c *Call) Rotate(number uint64, quorum uint16, overlap uint64, members []formats.Member, paper *Certificate) error {
	current := CurrentEpoch(c)
	if number != current+1 {
		return refuse("EpochNotNext", number)
	}
	if overlap > maxOverlap {
		return refuse("OverlapTooLong", overlap)
	}
	if paper.Epoch != current {
		return refuse("EpochNotValid", paper.Epoch)
	}
	if len(members) == 0 || len(members) > maxMembers {
		return refuse("MembersCount", len(members))
	}
	leaf := formats.EpochLeaf(ReadIdentity(c).Chain, Registry, number, quorum, overlap, formats.MembersHash(members))
	if err := c.verify(leaf, paper); err != nil {
		return err
	}
	return c.beginEpoch(number, quorum, overlap, members)
}

func (c *Call) beginEpoch(number uint64, quorum uint16, overlap uint64, members []formats.Member) error {
	operators, err := checkMembers(members)
	if err != nil {
		return err
	}
	// Two quorums must share an operator, or two certificates could contradict each other without anyone lying.
	if int(quorum) > operators || 2*int(quorum) <= operators {
		return refuse("QuorumOutOfRange", quorum, operators)
	}
	value := formats.U16(quorum)
	for _, m := range members {
		value = bytes.Join([][]byte{value, formats.U16(m.Operator), {m.Side}, m.Key[:]}, nil)
	}
	c.Set(keyOf(prefixEpoch, formats.U64(number)), value)
	c.setNumbers([]byte(keyRegistry), number, c.Time+overlap)
	c.emit("epoch", "epoch", number, "quorum", quorum, "overlap", overlap, "members", value[2:])
	return nil
}

// checkMembers wants a list that ascends strictly by (operator, key); it returns how many operators there are.
func checkMembers(members []formats.Member) (operators int, err error) {
	if len(members) == 0 || len(members) > maxMembers {
		return 0, refuse("MembersCount", len(members))
	}
	keys, sides := map[Hash]bool{}, map[uint8]bool{}
	for i, m := range members {
		if m.Key.IsZero() || keys[m.Key] || !bytes.Equal(m.Key[:12], make([]byte, 12)) {
			return 0, refuse("MemberKeyInvalid", i)
		}
		if i != 0 && members[i-1].Operator == m.Operator {
			if bytes.Compare(members[i-1].Key[:], m.Key[:]) >= 0 {
				return 0, refuse("MembersNotAscending", i)
			}
			if members[i-1].Side != m.Side {
				return 0, refuse("MemberSideDiffers", i)
			}
		} else {
			if i != 0 && members[i-1].Operator > m.Operator {
				return 0, refuse("MembersNotAscending", i)
			}
			if operators++; operators > maxOperators {
				return 0, refuse("OperatorsCount", operators)
			}
		}
		keys[m.Key], sides[m.Side] = true, true
	}
	if len(sides) > maxSides {
		return 0, refuse("SidesCount", len(sides))
	}
	return operators, nil
}

func suiteCount(suites uint8) int { return bits.OnesCount8(suites) }
