// Cases for a comparison of verdicts: steps of a light client that this program makes up and spoils, with what cometbft/light says of them, and ICS-23
// proofs of recorded trees, spoilt, with what ics23 says.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/crypto/secp256k1"
	cmtmath "github.com/cometbft/cometbft/libs/math"
	"github.com/cometbft/cometbft/light"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cometbft/cometbft/types"
	ics23 "github.com/cosmos/ics23/go"
)

const (
	success        = 1 // as proof_verdict
	invalid        = 0
	notEnoughTrust = 2
)

const chain = "differential-1"

type writer struct{ out *bufio.Writer }

func (w writer) number(v int64) {
	binary.Write(w.out, binary.BigEndian, v)
}

func (w writer) blob(b []byte) {
	binary.Write(w.out, binary.BigEndian, uint32(len(b)))
	w.out.Write(b)
}

type maker struct {
	*rand.Rand
	keys    []crypto.PrivKey
	byAddr  map[string]crypto.PrivKey
	spoilt  string // what was done to the case
	resign  bool
	blockID *types.BlockID // when the commit names another block than the header
}

func newMaker(seed int64) *maker {
	m := &maker{Rand: rand.New(rand.NewSource(seed)), byAddr: map[string]crypto.PrivKey{}}
	for i := 0; i < 18; i++ {
		secret := []byte(fmt.Sprintf("differential/%d", i))
		var key crypto.PrivKey = ed25519.GenPrivKeyFromSecret(secret)
		if i >= 14 {
			key = secp256k1.GenPrivKeySecp256k1(secret)
		}
		m.keys = append(m.keys, key)
		m.byAddr[string(key.PubKey().Address())] = key
	}
	return m
}

func (m *maker) hash() []byte {
	b := make([]byte, 32)
	m.Read(b)
	return b
}

func (m *maker) power() int64 {
	switch m.Intn(4) {
	case 0:
		return 1 + m.Int63n(3)
	case 1:
		return 10
	case 2:
		return 1 + m.Int63n(1000)
	}
	return 1 + m.Int63n(1<<50)
}

func setOf(list []*types.Validator) *types.ValidatorSet {
	return types.NewValidatorSet(list)
}

func (m *maker) set(mixed bool) *types.ValidatorSet {
	limit := 14
	if mixed {
		limit = len(m.keys)
	}
	var list []*types.Validator
	for _, i := range m.Perm(limit)[:1+m.Intn(9)] {
		list = append(list, types.NewValidator(m.keys[i].PubKey(), m.power()))
	}
	return setOf(list)
}

// Another set that shares some of the first.
func (m *maker) changed(from *types.ValidatorSet) *types.ValidatorSet {
	var list []*types.Validator
	for _, v := range from.Validators {
		if m.Intn(4) != 0 {
			list = append(list, types.NewValidator(v.PubKey, v.VotingPower))
		}
	}
	for n := m.Intn(3); n > 0 || len(list) == 0; n-- {
		key := m.keys[m.Intn(14)].PubKey()
		known := false
		for _, v := range list {
			known = known || bytes.Equal(v.Address, key.Address())
		}
		if !known {
			list = append(list, types.NewValidator(key, m.power()))
		}
	}
	return setOf(list)
}

func (m *maker) header(height int64, at time.Time, own, next *types.ValidatorSet) *types.Header {
	return &types.Header{
		Version: cmtversion.Consensus{Block: 11, App: uint64(m.Intn(3))}, ChainID: chain, Height: height, Time: at,
		LastBlockID:    types.BlockID{Hash: m.hash(), PartSetHeader: types.PartSetHeader{Total: 1, Hash: m.hash()}},
		LastCommitHash: m.hash(), DataHash: m.hash(), ValidatorsHash: own.Hash(), NextValidatorsHash: next.Hash(),
		ConsensusHash: m.hash(), AppHash: m.hash()[:1+m.Intn(32)], LastResultsHash: m.hash(), EvidenceHash: m.hash(),
		ProposerAddress: own.Validators[0].Address,
	}
}

func (m *maker) vote(lb *types.LightBlock, i int, chainID string) {
	sig := &lb.Commit.Signatures[i]
	key, ok := m.byAddr[string(sig.ValidatorAddress)]
	if !ok {
		return
	}
	signature, err := key.Sign(lb.Commit.VoteSignBytes(chainID, int32(i)))
	if err != nil {
		panic(err)
	}
	sig.Signature = signature
}

func (m *maker) sign(lb *types.LightBlock) {
	lb.Commit.BlockID.Hash = lb.Header.Hash()
	for i := range lb.Commit.Signatures {
		if lb.Commit.Signatures[i].BlockIDFlag != types.BlockIDFlagAbsent {
			m.vote(lb, i, chain)
		}
	}
}

func (m *maker) block(height int64, at time.Time, own, next *types.ValidatorSet) *types.LightBlock {
	lb := &types.LightBlock{SignedHeader: &types.SignedHeader{Header: m.header(height, at, own, next)}, ValidatorSet: own}
	lb.Commit = &types.Commit{Height: height, Round: int32(m.Intn(3)),
		BlockID: types.BlockID{PartSetHeader: types.PartSetHeader{Total: 1, Hash: m.hash()}}}
	often := []int{1, 3, 8, 1000}[m.Intn(4)]
	for _, v := range own.Validators {
		sig := types.CommitSig{BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: v.Address,
			Timestamp: at.Add(time.Duration(m.Intn(2000000000)))}
		if m.Intn(often+1) == 0 {
			sig.BlockIDFlag = types.BlockIDFlagNil
			if m.Intn(2) == 0 {
				sig = types.NewCommitSigAbsent()
			}
		}
		lb.Commit.Signatures = append(lb.Commit.Signatures, sig)
	}
	m.sign(lb)
	return lb
}

type step struct {
	trusted *types.LightBlock
	next    *types.ValidatorSet
	block   *types.LightBlock
	chainID string
	period  time.Duration
	now     time.Time
	drift   time.Duration
	level   cmtmath.Fraction
}

func (m *maker) step() *step {
	mixed := m.Intn(4) == 0
	start := time.Unix(1700000000+m.Int63n(1000000), m.Int63n(1000000000)).UTC()
	a, b := m.set(mixed), m.set(mixed)
	gap := int64(1)
	if m.Intn(5) > 1 {
		gap = 2 + m.Int63n(100)
	}
	own := b
	if gap > 1 && m.Intn(6) > 0 {
		own = m.changed(b)
	}
	height := 1 + m.Int63n(1000)
	s := &step{next: b, chainID: chain, period: time.Duration(1+m.Int63n(1000)) * time.Hour, drift: 10 * time.Second}
	s.trusted = m.block(height, start, a, b)
	at := start.Add(time.Duration(1 + m.Int63n(int64(time.Hour))))
	s.block = m.block(height+gap, at, own, m.set(false))
	s.now = at.Add(time.Duration(m.Int63n(int64(time.Minute))))
	s.level = []cmtmath.Fraction{{Numerator: 1, Denominator: 3}, {Numerator: 1, Denominator: 2}, {Numerator: 2, Denominator: 3},
		{Numerator: 1, Denominator: 1}, {Numerator: 3, Denominator: 4}, {Numerator: 2, Denominator: 5}}[m.Intn(6)]
	return s
}

func flip(m *maker, b []byte) []byte {
	if len(b) == 0 {
		return m.hash()
	}
	c := append([]byte{}, b...)
	c[m.Intn(len(c))] ^= 1 << m.Intn(8)
	return c
}

type spoil struct {
	name string
	do   func(m *maker, s *step)
}

func hashSpoils() []spoil {
	fields := map[string]func(h *types.Header) *[]byte{
		"last-commit":  func(h *types.Header) *[]byte { return (*[]byte)(&h.LastCommitHash) },
		"data":         func(h *types.Header) *[]byte { return (*[]byte)(&h.DataHash) },
		"validators":   func(h *types.Header) *[]byte { return (*[]byte)(&h.ValidatorsHash) },
		"next":         func(h *types.Header) *[]byte { return (*[]byte)(&h.NextValidatorsHash) },
		"consensus":    func(h *types.Header) *[]byte { return (*[]byte)(&h.ConsensusHash) },
		"app":          func(h *types.Header) *[]byte { return (*[]byte)(&h.AppHash) },
		"last-results": func(h *types.Header) *[]byte { return (*[]byte)(&h.LastResultsHash) },
		"evidence":     func(h *types.Header) *[]byte { return (*[]byte)(&h.EvidenceHash) },
		"proposer":     func(h *types.Header) *[]byte { return (*[]byte)(&h.ProposerAddress) },
		"parent":       func(h *types.Header) *[]byte { return (*[]byte)(&h.LastBlockID.Hash) },
		"parent-parts": func(h *types.Header) *[]byte { return (*[]byte)(&h.LastBlockID.PartSetHeader.Hash) },
	}
	var list []spoil
	for _, name := range []string{"last-commit", "data", "validators", "next", "consensus", "app", "last-results", "evidence",
		"proposer", "parent", "parent-parts"} {
		field := fields[name]
		list = append(list,
			spoil{"header-" + name, func(m *maker, s *step) { p := field(s.block.Header); *p = flip(m, *p) }},
			spoil{"header-" + name + "-short", func(m *maker, s *step) { p := field(s.block.Header); *p = (*p)[:len(*p)-1] }},
			spoil{"header-" + name + "-empty", func(m *maker, s *step) { *field(s.block.Header) = nil }})
	}
	return list
}

func (s *step) some(m *maker) *types.CommitSig {
	return &s.block.Commit.Signatures[m.Intn(len(s.block.Commit.Signatures))]
}

func (s *step) validator(m *maker) *types.Validator {
	v := s.block.ValidatorSet.Validators
	return v[m.Intn(len(v))]
}

func copied(set *types.ValidatorSet) *types.ValidatorSet {
	c := set.Copy()
	return c
}

var spoils = append(hashSpoils(), []spoil{
	{"header-height", func(m *maker, s *step) { s.block.Header.Height += int64(m.Intn(5) - 2) }},
	{"header-height-zero", func(m *maker, s *step) { s.block.Header.Height, s.block.Commit.Height = 0, 0 }},
	{"header-height-of-trusted", func(m *maker, s *step) {
		s.block.Header.Height, s.block.Commit.Height = s.trusted.Height, s.trusted.Height
	}},
	{"header-time-of-trusted", func(m *maker, s *step) { s.block.Header.Time = s.trusted.Time.Add(time.Duration(m.Intn(3) - 1)) }},
	{"header-time-future", func(m *maker, s *step) { s.block.Header.Time = s.now.Add(s.drift + time.Duration(m.Intn(3)-1)) }},
	{"header-chain", func(m *maker, s *step) { s.block.Header.ChainID = "differential-2" }},
	{"trusted-chain", func(m *maker, s *step) { s.chainID = "differential-2" }},
	{"header-version", func(m *maker, s *step) { s.block.Header.Version.Block = uint64(m.Intn(13)) }},
	{"header-app-version", func(m *maker, s *step) { s.block.Header.Version.App += 1 }},
	{"commit-height", func(m *maker, s *step) { s.block.Commit.Height += int64(m.Intn(3) - 1) }},
	{"commit-round", func(m *maker, s *step) { s.block.Commit.Round += int32(m.Intn(5) - 2) }},
	{"commit-block", func(m *maker, s *step) { s.block.Commit.BlockID.Hash = flip(m, s.block.Commit.BlockID.Hash) }},
	{"commit-parts", func(m *maker, s *step) {
		s.block.Commit.BlockID.PartSetHeader.Hash = flip(m, s.block.Commit.BlockID.PartSetHeader.Hash)
	}},
	{"commit-parts-total", func(m *maker, s *step) { s.block.Commit.BlockID.PartSetHeader.Total += 1 }},
	{"commit-parts-none", func(m *maker, s *step) { s.block.Commit.BlockID.PartSetHeader = types.PartSetHeader{} }},
	{"commit-empty", func(m *maker, s *step) { s.block.Commit.Signatures = nil }},
	{"commit-vote-less", func(m *maker, s *step) {
		s.block.Commit.Signatures = s.block.Commit.Signatures[:len(s.block.Commit.Signatures)-1]
	}},
	{"commit-vote-more", func(m *maker, s *step) { s.block.Commit.Signatures = append(s.block.Commit.Signatures, *s.some(m)) }},
	{"commit-vote-twice", func(m *maker, s *step) { *s.some(m) = *s.some(m) }},
	{"commit-votes-swapped", func(m *maker, s *step) { a, b := s.some(m), s.some(m); *a, *b = *b, *a }},
	{"vote-flag", func(m *maker, s *step) { s.some(m).BlockIDFlag = types.BlockIDFlag(m.Intn(6)) }},
	{"vote-address", func(m *maker, s *step) { v := s.some(m); v.ValidatorAddress = flip(m, v.ValidatorAddress) }},
	{"vote-address-short", func(m *maker, s *step) {
		v := s.some(m)
		v.ValidatorAddress = v.ValidatorAddress[:len(v.ValidatorAddress)/2]
	}},
	{"vote-time", func(m *maker, s *step) { v := s.some(m); v.Timestamp = v.Timestamp.Add(1) }},
	{"vote-signature", func(m *maker, s *step) { v := s.some(m); v.Signature = flip(m, v.Signature) }},
	{"vote-signature-short", func(m *maker, s *step) {
		if v := s.some(m); len(v.Signature) > 0 {
			v.Signature = v.Signature[:m.Intn(len(v.Signature))]
		}
	}},
	{"vote-signature-other", func(m *maker, s *step) { v, w := s.some(m), s.some(m); v.Signature = w.Signature }},
	{"vote-other-chain", func(m *maker, s *step) { m.vote(s.block, m.Intn(len(s.block.Commit.Signatures)), "differential-2") }},
	{"vote-absent-filled", func(m *maker, s *step) {
		v := s.some(m)
		*v = types.NewCommitSigAbsent()
		[]func(){func() { v.Timestamp = s.block.Time }, func() { v.Signature = m.hash() }, func() { v.ValidatorAddress = m.hash()[:20] },
			func() {}}[m.Intn(4)]()
	}},
	{"set-power", func(m *maker, s *step) { s.validator(m).VotingPower++ }},
	{"set-power-zero", func(m *maker, s *step) { s.validator(m).VotingPower = 0 }},
	{"set-power-negative", func(m *maker, s *step) { s.validator(m).VotingPower = -1 }},
	{"set-power-huge", func(m *maker, s *step) { s.validator(m).VotingPower = types.MaxTotalVotingPower + int64(m.Intn(3)) - 1 }},
	{"set-address", func(m *maker, s *step) { v := s.validator(m); v.Address = flip(m, v.Address) }},
	{"set-key", func(m *maker, s *step) { v := s.validator(m); v.PubKey = m.keys[m.Intn(14)].PubKey() }},
	{"set-key-and-address", func(m *maker, s *step) {
		v := s.validator(m)
		v.PubKey = m.keys[m.Intn(14)].PubKey()
		v.Address = v.PubKey.Address()
	}},
	{"set-order", func(m *maker, s *step) {
		v := s.block.ValidatorSet.Validators
		i, j := m.Intn(len(v)), m.Intn(len(v))
		v[i], v[j] = v[j], v[i]
	}},
	{"set-priority", func(m *maker, s *step) { s.validator(m).ProposerPriority += 7 }},
	{"set-proposer-none", func(m *maker, s *step) {
		s.block.ValidatorSet.Proposer = types.NewValidator(m.keys[m.Intn(18)].PubKey(), 5)
	}},
	{"set-empty", func(m *maker, s *step) { s.block.ValidatorSet = &types.ValidatorSet{} }},
	{"set-other", func(m *maker, s *step) { s.block.ValidatorSet = m.set(false) }},
	{"next-other", func(m *maker, s *step) { s.next = m.set(false) }},
	{"next-power", func(m *maker, s *step) { s.next = copied(s.next); s.next.Validators[0].VotingPower++ }},
	{"expired", func(m *maker, s *step) {
		s.now = s.trusted.Time.Add(s.period + time.Duration(m.Intn(3)-1))
		s.drift = 100000 * time.Hour
	}},
	{"level", func(m *maker, s *step) {
		s.level = cmtmath.Fraction{Numerator: uint64(m.Intn(5)), Denominator: uint64(m.Intn(5))}
	}},
	{"period-none", func(m *maker, s *step) { s.period = 0 }},
}...)

func sentSet(set *types.ValidatorSet) (*types.ValidatorSet, error) {
	p := &cmtproto.ValidatorSet{}
	if err := p.Unmarshal(setBytes(set)); err != nil {
		return nil, err
	}
	return types.ValidatorSetFromProto(p)
}

func sent(block *types.LightBlock) (*types.LightBlock, error) {
	p, err := block.ToProto()
	if err != nil {
		return nil, err
	}
	p.ValidatorSet.TotalVotingPower = 0
	raw, err := p.Marshal()
	if err != nil {
		return nil, err
	}
	again := &cmtproto.LightBlock{}
	if err := again.Unmarshal(raw); err != nil {
		return nil, err
	}
	return types.LightBlockFromProto(again)
}

// What Go says: the light client's own verdict, the set that it was given checked as IBC does, and LightBlock.ValidateBasic, which callers run first.
func (s *step) verdict() (result int64, why string) {
	defer func() {
		if r := recover(); r != nil {
			result, why = invalid, fmt.Sprint("panic: ", r)
		}
	}()
	if light.ValidateTrustLevel(s.level) != nil || s.period <= 0 {
		return invalid, "options"
	}
	// as they come from bytes: nothing that a set cached while it was made
	block, err := sent(s.block)
	if err != nil {
		return invalid, "decode: " + err.Error()
	}
	next, err := sentSet(s.next)
	if err != nil {
		return invalid, "decode: " + err.Error()
	}
	if err := block.ValidateBasic(s.chainID); err != nil {
		return invalid, "basic: " + err.Error()
	}
	adjacent := block.Height == s.trusted.Height+1
	if !adjacent && !bytes.Equal(next.Hash(), s.trusted.NextValidatorsHash) {
		return invalid, "next set"
	}
	trusted := *s.trusted.Header
	trusted.ChainID = s.chainID
	err = light.Verify(&types.SignedHeader{Header: &trusted, Commit: s.trusted.Commit}, next, block.SignedHeader, block.ValidatorSet,
		s.period, s.now, s.drift, s.level)
	if err == nil {
		return success, ""
	}
	if _, ok := err.(light.ErrNewValSetCantBeTrusted); ok {
		return notEnoughTrust, err.Error()
	}
	return invalid, err.Error()
}

type marshaler interface{ Marshal() ([]byte, error) }

func marshal(v marshaler) []byte {
	b, err := v.Marshal()
	if err != nil {
		return nil
	}
	return b
}

func setBytes(set *types.ValidatorSet) []byte {
	p, err := set.ToProto()
	if err != nil {
		return nil
	}
	p.TotalVotingPower = 0
	return marshal(p)
}

func (s *step) write(w writer, name string, basic bool) {
	result, why := s.verdict()
	w.blob([]byte("step"))
	w.blob([]byte(name))
	w.number(result)
	w.blob([]byte(why))
	w.blob([]byte(s.chainID))
	w.blob(marshal(s.trusted.Header.ToProto()))
	w.blob(setBytes(s.next))
	w.blob(marshal(s.block.Header.ToProto()))
	w.blob(marshal(s.block.Commit.ToProto()))
	w.blob(setBytes(s.block.ValidatorSet))
	w.number(s.now.Unix())
	w.number(int64(s.now.Nanosecond()))
	w.number(int64(s.period))
	w.number(int64(s.drift))
	w.number(int64(s.level.Numerator))
	w.number(int64(s.level.Denominator))
}

// Spoils a step in up to two ways; the signatures are made again or not.
func (m *maker) spoiltStep() (*step, string) {
	s, name := m.step(), ""
	for n := []int{0, 1, 1, 1, 1, 2}[m.Intn(6)]; n > 0; n-- {
		one := spoils[m.Intn(len(spoils))]
		func() {
			defer func() { _ = recover() }() // what two spoils together cannot do is left undone
			one.do(m, s)
		}()
		name += "+" + one.name
	}
	again := m.Intn(2) == 0 && name != ""
	if again {
		func() {
			defer func() { _ = recover() }()
			if m.Intn(2) == 0 && s.block.ValidatorSet.Size() > 0 {
				s.block.Header.ValidatorsHash = s.block.ValidatorSet.Hash()
			}
			m.sign(s.block)
		}()
		name += "+signed"
	}
	return s, name
}

func steps(path, count, seed string) {
	var n, from int64
	fmt.Sscan(count, &n)
	fmt.Sscan(seed, &from)
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	w := writer{bufio.NewWriter(file)}
	m := newMaker(from)
	for i := int64(0); i < n; i++ {
		s, name := m.spoiltStep()
		s.write(w, fmt.Sprintf("%d%s", i, name), true)
	}
	w.out.Flush()
	file.Close()
}

// ---- ICS-23 ----

type question struct {
	Root, Key, Value, Proof string
}

var specs = map[string]*ics23.ProofSpec{"iavl": ics23.IavlSpec, "tendermint": ics23.TendermintSpec, "smt": ics23.SmtSpec}

func existences(p *ics23.CommitmentProof) []*ics23.ExistenceProof {
	if e := p.GetExist(); e != nil {
		return []*ics23.ExistenceProof{e}
	}
	var list []*ics23.ExistenceProof
	if n := p.GetNonexist(); n != nil {
		for _, side := range []*ics23.ExistenceProof{n.Left, n.Right} {
			if side != nil {
				list = append(list, side)
			}
		}
	}
	return list
}

func spoilProof(m *maker, p *ics23.CommitmentProof, key *[]byte) string {
	all := existences(p)
	if len(all) == 0 {
		return "nothing"
	}
	e := all[m.Intn(len(all))]
	inner := func() *ics23.InnerOp {
		if len(e.Path) == 0 {
			return &ics23.InnerOp{}
		}
		return e.Path[m.Intn(len(e.Path))]
	}
	names := []string{"key", "value", "leaf-prefix", "leaf-prefix-longer", "leaf-op", "inner-prefix", "inner-suffix", "inner-prefix-longer",
		"inner-suffix-longer", "inner-hash", "inner-dropped", "inner-twice", "swap-sides", "drop-side", "question", "named-key", "leaf-none",
		"move-suffix"}
	name := names[m.Intn(len(names))]
	switch name {
	case "key":
		e.Key = flip(m, e.Key)
	case "value":
		e.Value = flip(m, e.Value)
	case "leaf-prefix":
		e.Leaf.Prefix = flip(m, e.Leaf.Prefix)
	case "leaf-prefix-longer":
		e.Leaf.Prefix = append(append([]byte{}, e.Leaf.Prefix...), byte(m.Intn(256)))
	case "leaf-op":
		*[]*ics23.HashOp{&e.Leaf.Hash, &e.Leaf.PrehashKey, &e.Leaf.PrehashValue}[m.Intn(3)] = ics23.HashOp(m.Intn(10))
	case "inner-prefix":
		op := inner()
		op.Prefix = flip(m, op.Prefix)
	case "inner-suffix":
		op := inner()
		op.Suffix = flip(m, op.Suffix)
	case "inner-prefix-longer":
		op := inner()
		op.Prefix = append(append([]byte{}, op.Prefix...), m.hash()[:1+m.Intn(31)]...)
	case "inner-suffix-longer":
		op := inner()
		op.Suffix = append(append([]byte{}, op.Suffix...), m.hash()...)
	case "inner-hash":
		inner().Hash = ics23.HashOp(m.Intn(10))
	case "inner-dropped":
		if len(e.Path) > 0 {
			e.Path = e.Path[:len(e.Path)-1]
		}
	case "inner-twice":
		e.Path = append(e.Path, inner())
	case "swap-sides":
		if n := p.GetNonexist(); n != nil {
			n.Left, n.Right = n.Right, n.Left
		}
	case "drop-side":
		if n := p.GetNonexist(); n != nil {
			n.Left = nil
		}
	case "question":
		*key = flip(m, *key)
	case "named-key":
		if n := p.GetNonexist(); n != nil {
			n.Key = flip(m, n.Key)
		}
	case "leaf-none":
		e.Leaf = nil
	case "move-suffix":
		op := inner()
		if len(op.Suffix) > 0 {
			op.Prefix, op.Suffix = append(append([]byte{}, op.Prefix...), op.Suffix[0]), op.Suffix[1:]
		}
	}
	return name
}

func accepted(spec *ics23.ProofSpec, root []byte, p *ics23.CommitmentProof, key, value []byte) (result int64, why string) {
	defer func() {
		if r := recover(); r != nil {
			result, why = invalid, fmt.Sprint("panic: ", r)
		}
	}()
	if len(value) > 0 && ics23.VerifyMembership(spec, root, p, key, value) ||
		len(value) == 0 && ics23.VerifyNonMembership(spec, root, p, key) {
		return success, ""
	}
	return invalid, ""
}

func proofs(path, count, seed, folder string) {
	var n, from int64
	fmt.Sscan(count, &n)
	fmt.Sscan(seed, &from)
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	w, m := writer{bufio.NewWriter(file)}, newMaker(from)
	found, _ := filepath.Glob(filepath.Join(folder, "*", "*exist_*.json"))
	if len(found) == 0 {
		panic("no proofs in " + folder)
	}
	for i := int64(0); i < n; i++ {
		name := found[m.Intn(len(found))]
		tree := filepath.Base(filepath.Dir(name))
		text, _ := os.ReadFile(name)
		var q question
		if json.Unmarshal(text, &q) != nil {
			continue
		}
		root, _ := hex.DecodeString(q.Root)
		key, _ := hex.DecodeString(q.Key)
		value, _ := hex.DecodeString(q.Value)
		raw, _ := hex.DecodeString(q.Proof)
		p := &ics23.CommitmentProof{}
		if p.Unmarshal(raw) != nil {
			panic("unreadable " + name)
		}
		spoilt := ""
		for k := m.Intn(3); k > 0; k-- {
			func() {
				defer func() { _ = recover() }()
				spoilt += "+" + spoilProof(m, p, &key)
			}()
		}
		if e := p.GetExist(); e != nil && m.Intn(2) == 0 {
			value = e.Value
			key = e.Key
		}
		other := tree
		if m.Intn(10) == 0 {
			other = []string{"iavl", "tendermint", "smt"}[m.Intn(3)]
		}
		raw, _ = p.Marshal()
		result, why := accepted(specs[other], root, p, key, value)
		w.blob([]byte("ics23"))
		w.blob([]byte(fmt.Sprintf("%d %s%s", i, filepath.Base(name), spoilt)))
		w.number(result)
		w.blob([]byte(why))
		w.blob([]byte(other))
		w.blob(root)
		w.blob(key)
		w.blob(value)
		w.blob(raw)
	}
	w.out.Flush()
	file.Close()
}
