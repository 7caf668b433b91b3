// Evidence of double votes, good and spoilt, with what evidence.VerifyDuplicateVote and the checks before it say.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/cometbft/cometbft/evidence"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

type doubleVote struct {
	header  *types.Header
	set     *types.ValidatorSet
	proof   *types.DuplicateVoteEvidence
	chainID string
	now     time.Time
	period  time.Duration
}

func (m *maker) someID() types.BlockID {
	if m.Intn(6) == 0 {
		return types.BlockID{}
	}
	return types.BlockID{Hash: m.hash(), PartSetHeader: types.PartSetHeader{Total: uint32(1 + m.Intn(300)), Hash: m.hash()}}
}

// Signs a vote as the validator that it names, for the chain.
func (m *maker) signVote(v *types.Vote, chainID string) {
	if key, ok := m.byAddr[string(v.ValidatorAddress)]; ok {
		v.Signature, _ = key.Sign(types.VoteSignBytes(chainID, v.ToProto()))
	}
}

func (m *maker) doubleVote() *doubleVote {
	set := m.set(m.Intn(3) == 0)
	at := time.Unix(1700000000+m.Int63n(1000000), m.Int63n(1000000000)).UTC()
	d := &doubleVote{header: m.header(1+m.Int63n(1000), at, set, set), set: set, chainID: chain, now: at.Add(time.Hour), period: 24 * time.Hour}
	index := m.Intn(set.Size())
	kind := cmtproto.PrevoteType
	if m.Intn(2) == 0 {
		kind = cmtproto.PrecommitType
	}
	one := types.Vote{Type: kind, Height: d.header.Height, Round: int32(m.Intn(3)), BlockID: m.someID(),
		Timestamp: at.Add(time.Duration(m.Intn(1000000000))), ValidatorAddress: set.Validators[index].Address, ValidatorIndex: int32(index)}
	two := one
	two.BlockID = m.someID()
	if m.Intn(4) == 0 && !one.BlockID.IsZero() { // one block, in other parts
		two.BlockID = one.BlockID
		two.BlockID.PartSetHeader.Total = uint32(1 + m.Intn(300))
	}
	if kind == cmtproto.PrecommitType && !one.BlockID.IsZero() && m.Intn(4) == 0 {
		one.Extension, one.ExtensionSignature = m.hash(), m.hash()
	}
	m.signVote(&one, chain)
	m.signVote(&two, chain)
	d.proof, _ = types.NewDuplicateVoteEvidence(&one, &two, at, set)
	return d
}

func (d *doubleVote) some(m *maker) *types.Vote {
	if m.Intn(2) == 0 {
		return d.proof.VoteA
	}
	return d.proof.VoteB
}

type voteSpoil struct {
	name string
	do   func(m *maker, d *doubleVote)
}

var voteSpoils = []voteSpoil{
	{"order", func(m *maker, d *doubleVote) { d.proof.VoteA, d.proof.VoteB = d.proof.VoteB, d.proof.VoteA }},
	{"same-block", func(m *maker, d *doubleVote) { d.proof.VoteB.BlockID = d.proof.VoteA.BlockID }},
	{"same-vote", func(m *maker, d *doubleVote) { v := *d.proof.VoteA; d.proof.VoteB = &v }},
	{"type", func(m *maker, d *doubleVote) { d.some(m).Type = cmtproto.SignedMsgType(m.Intn(4)) }},
	{"type-of-both", func(m *maker, d *doubleVote) {
		t := cmtproto.SignedMsgType([]int{0, 3, 32}[m.Intn(3)])
		d.proof.VoteA.Type, d.proof.VoteB.Type = t, t
	}},
	{"height", func(m *maker, d *doubleVote) { d.some(m).Height += int64(m.Intn(3) - 1) }},
	{"height-of-both", func(m *maker, d *doubleVote) { d.proof.VoteA.Height++; d.proof.VoteB.Height++ }},
	{"height-zero", func(m *maker, d *doubleVote) { d.proof.VoteA.Height, d.proof.VoteB.Height, d.header.Height = 0, 0, 0 }},
	{"round", func(m *maker, d *doubleVote) { d.some(m).Round++ }},
	{"round-negative", func(m *maker, d *doubleVote) { d.proof.VoteA.Round, d.proof.VoteB.Round = -1, -1 }},
	{"block-hash", func(m *maker, d *doubleVote) { v := d.some(m); v.BlockID.Hash = flip(m, v.BlockID.Hash) }},
	{"block-hash-none", func(m *maker, d *doubleVote) { d.some(m).BlockID.Hash = nil }},
	{"block-parts-none", func(m *maker, d *doubleVote) { d.some(m).BlockID.PartSetHeader = types.PartSetHeader{} }},
	{"block-parts-total", func(m *maker, d *doubleVote) { d.some(m).BlockID.PartSetHeader.Total = uint32(m.Intn(3)) }},
	{"vote-time", func(m *maker, d *doubleVote) { v := d.some(m); v.Timestamp = v.Timestamp.Add(1) }},
	{"address", func(m *maker, d *doubleVote) { v := d.some(m); v.ValidatorAddress = flip(m, v.ValidatorAddress) }},
	{"address-short", func(m *maker, d *doubleVote) { v := d.some(m); v.ValidatorAddress = v.ValidatorAddress[:19] }},
	{"address-of-both", func(m *maker, d *doubleVote) {
		a := d.set.Validators[m.Intn(d.set.Size())].Address
		d.proof.VoteA.ValidatorAddress, d.proof.VoteB.ValidatorAddress = a, a
	}},
	{"stranger", func(m *maker, d *doubleVote) {
		a := m.keys[m.Intn(len(m.keys))].PubKey().Address()
		d.proof.VoteA.ValidatorAddress, d.proof.VoteB.ValidatorAddress = a, a
	}},
	{"index", func(m *maker, d *doubleVote) { d.some(m).ValidatorIndex = int32(m.Intn(5) - 1) }},
	{"index-of-both", func(m *maker, d *doubleVote) {
		i := int32(m.Intn(5) - 1)
		d.proof.VoteA.ValidatorIndex, d.proof.VoteB.ValidatorIndex = i, i
	}},
	{"signature", func(m *maker, d *doubleVote) { v := d.some(m); v.Signature = flip(m, v.Signature) }},
	{"signature-short", func(m *maker, d *doubleVote) { v := d.some(m); v.Signature = v.Signature[:m.Intn(64)] }},
	{"signature-long", func(m *maker, d *doubleVote) {
		v := d.some(m)
		v.Signature = append(append([]byte{}, v.Signature...), 0)
	}},
	{"signature-other", func(m *maker, d *doubleVote) { d.proof.VoteB.Signature = d.proof.VoteA.Signature }},
	{"signature-other-chain", func(m *maker, d *doubleVote) { m.signVote(d.some(m), "differential-2") }},
	{"extension", func(m *maker, d *doubleVote) { d.some(m).Extension = m.hash() }},
	{"extension-signature", func(m *maker, d *doubleVote) { d.some(m).ExtensionSignature = m.hash() }},
	{"extension-signature-long", func(m *maker, d *doubleVote) {
		d.some(m).ExtensionSignature = make([]byte, types.MaxSignatureSize+m.Intn(2))
	}},
	{"power", func(m *maker, d *doubleVote) { d.proof.ValidatorPower += int64(m.Intn(3) - 1) }},
	{"power-none", func(m *maker, d *doubleVote) { d.proof.ValidatorPower = 0 }},
	{"total", func(m *maker, d *doubleVote) { d.proof.TotalVotingPower += int64(m.Intn(3) - 1) }},
	{"time", func(m *maker, d *doubleVote) { d.proof.Timestamp = d.proof.Timestamp.Add(time.Duration(m.Intn(3) - 1)) }},
	{"chain", func(m *maker, d *doubleVote) { d.chainID = "differential-2" }},
	{"set-other", func(m *maker, d *doubleVote) { d.set = m.set(false) }},
	{"set-power", func(m *maker, d *doubleVote) { d.set = d.set.Copy(); d.set.Validators[0].VotingPower++ }},
	{"expired", func(m *maker, d *doubleVote) { d.now = d.header.Time.Add(d.period + time.Duration(m.Intn(3)-1)) }},
}

// What a node says to evidence that a peer sends: decoding, ValidateBasic, the pool's check of its time, VerifyDuplicateVote. Set and header are
// bound to each other as our light client has it.
func (d *doubleVote) verdict() (result int64, why string) {
	defer func() {
		if r := recover(); r != nil {
			result, why = invalid, fmt.Sprint("panic: ", r)
		}
	}()
	p := &cmtproto.DuplicateVoteEvidence{}
	if err := p.Unmarshal(d.proof.Bytes()); err != nil {
		return invalid, "decode: " + err.Error()
	}
	proof, err := types.DuplicateVoteEvidenceFromProto(p)
	if err != nil {
		return invalid, "basic: " + err.Error()
	}
	set, err := sentSet(d.set)
	if err != nil {
		return invalid, "set: " + err.Error()
	}
	switch {
	case !bytes.Equal(set.Hash(), d.header.ValidatorsHash):
		return invalid, "other set"
	case proof.Height() != d.header.Height || !proof.Time().Equal(d.header.Time):
		return invalid, "other block"
	case !d.header.Time.Add(d.period).After(d.now):
		return invalid, "expired"
	}
	if err := evidence.VerifyDuplicateVote(proof, d.chainID, set); err != nil {
		return invalid, err.Error()
	}
	return success, ""
}

func (d *doubleVote) write(w writer, name string) {
	result, why := d.verdict()
	w.blob([]byte("votes"))
	w.blob([]byte(name))
	w.number(result)
	w.blob([]byte(why))
	w.blob([]byte(d.chainID))
	w.blob(marshal(d.header.ToProto()))
	w.blob(setBytes(d.set))
	w.blob(d.proof.Bytes())
	w.number(d.now.Unix())
	w.number(int64(d.now.Nanosecond()))
	w.number(int64(d.period))
}

// Spoils evidence in up to two ways; the votes are signed again or not.
func (m *maker) spoiltDoubleVote() (*doubleVote, string) {
	d, name := m.doubleVote(), ""
	for n := []int{0, 1, 1, 1, 2}[m.Intn(5)]; n > 0; n-- {
		one := voteSpoils[m.Intn(len(voteSpoils))]
		func() {
			defer func() { _ = recover() }() // what two spoils together cannot do is left undone
			one.do(m, d)
		}()
		name += "+" + one.name
	}
	if name != "" && m.Intn(3) == 0 {
		func() {
			defer func() { _ = recover() }()
			m.signVote(d.proof.VoteA, chain)
			m.signVote(d.proof.VoteB, chain)
		}()
		name += "+signed"
	}
	return d, name
}

func votes(path, count, seed string) {
	var n, from int64
	fmt.Sscan(count, &n)
	fmt.Sscan(seed, &from)
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	w, m := writer{bufio.NewWriter(file)}, newMaker(from)
	for i := int64(0); i < n; i++ {
		d, name := m.spoiltDoubleVote()
		d.write(w, fmt.Sprintf("%d%s", i, name))
	}
	w.out.Flush()
	file.Close()
}
