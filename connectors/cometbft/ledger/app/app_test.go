package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"isthmus/ledger/chain"
	"isthmus/ledger/formats"

	abci "github.com/cometbft/cometbft/abci/types"
	iavldb "github.com/cosmos/iavl/db"
	ics23 "github.com/cosmos/ics23/go"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// node is one replica; blocks are given to it as CometBFT would.
type node struct {
	*testing.T
	db  iavldb.DB
	app *Application
	now time.Time
}

var ctx = context.Background()

func secret(number byte) *secp256k1.PrivateKey {
	return secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{number + 1}, 32))
}

func (n *node) open(keep int64) {
	n.Helper()
	var err error
	if n.app, err = New(n.db, keep); err != nil {
		n.Fatal(err)
	}
}

func newNode(t *testing.T) *node {
	n := &node{t, iavldb.NewMemDB(), nil, time.Unix(1_800_000_000, 5)}
	n.open(0)
	key := formats.KeyID(secret(0).PubKey())
	state, _ := json.Marshal(Genesis{Network: "demo", Quorum: 1, Admin: fmt.Sprintf("%x", key[12:]),
		Members: []Member{{1, 1, fmt.Sprintf("0x%x", key[12:])}}})
	req := &abci.RequestInitChain{ChainId: "test-1", InitialHeight: 1, AppStateBytes: state,
		Validators: []abci.ValidatorUpdate{abci.Ed25519ValidatorUpdate(bytes.Repeat([]byte{1}, 32), 10)}}
	if _, err := n.app.InitChain(ctx, req); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *node) block(txs ...[]byte) (*abci.ResponseFinalizeBlock, int64) {
	n.Helper()
	height := n.app.tree.Version() + 1
	n.now = n.now.Add(time.Second)
	out, err := n.app.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Txs: txs, Height: height, Time: n.now,
		Hash: bytes.Repeat([]byte{byte(height)}, 32)})
	if err != nil {
		n.Fatal(err)
	}
	if _, err := n.app.Commit(ctx, nil); err != nil {
		n.Fatal(err)
	}
	return out, height
}

func (n *node) sign(who byte, kind uint8, fields ...[]byte) []byte {
	id := chain.ReadIdentity(treeStore{n.app.tree})
	sequence := chain.Sequence(n.app.mempool, formats.KeyID(secret(who).PubKey()))
	return chain.SignTx(id.Chain, secret(who), kind, sequence, bytes.Join(fields, nil))
}

func (n *node) check(tx []byte) *abci.ResponseCheckTx {
	out, err := n.app.CheckTx(ctx, &abci.RequestCheckTx{Tx: tx})
	if err != nil {
		n.Fatal(err)
	}
	return out
}

func openFields(id chain.Identity) [][]byte {
	receiver := formats.KeyID(secret(1).PubKey())
	return [][]byte{id.Chain[:], chain.Inbox[:], receiver[:], {formats.ModeOrdered}, {1}, formats.U32(3600)}
}

func (n *node) lane() formats.Hash {
	id := chain.ReadIdentity(treeStore{n.app.tree})
	lane := formats.Lane{SourceChain: id.Chain, Outbox: chain.Outbox, Sender: formats.KeyID(secret(0).PubKey()),
		DestinationChain: id.Chain, Inbox: chain.Inbox, Receiver: formats.KeyID(secret(1).PubKey()),
		Mode: formats.ModeOrdered, Generation: 1}
	return lane.ID(id.Network)
}

func (n *node) sendFields(text string) [][]byte {
	lane := n.lane()
	return [][]byte{lane[:], {0}, formats.U32(7), make([]byte, 32), formats.U64(uint64(n.now.Unix()) + 600), make([]byte, 32),
		formats.U32(uint32(len(text))), []byte(text), {0}}
}

func (n *node) opened() *node {
	n.block()
	id := chain.ReadIdentity(treeStore{n.app.tree})
	out, _ := n.block(n.sign(0, chain.TxOpen, openFields(id)...))
	if out.TxResults[0].Code != CodeOK {
		n.Fatal(out.TxResults[0].Log)
	}
	return n
}

// A head is proven against the app hash of the next header, and so is its absence: what light clients elsewhere rely on.
func TestHeadsAreProvable(t *testing.T) {
	n := newNode(t).opened()
	log := formats.LogID(n.lane(), formats.LogMessage)
	key := chain.HeadKey(chain.Outbox, log)
	prove := func(height int64) (*abci.ResponseQuery, *ics23.CommitmentProof) {
		answer, err := n.app.Query(ctx, &abci.RequestQuery{Path: "/store", Data: key, Height: height, Prove: true})
		if err != nil || answer.Code != 0 {
			t.Fatal(err, answer.Log)
		}
		var proof ics23.CommitmentProof
		if err := proof.Unmarshal(answer.ProofOps.Ops[0].Data); err != nil {
			t.Fatal(err)
		}
		return answer, &proof
	}
	empty, height := n.block()
	answer, proof := prove(height)
	if answer.Value != nil || !ics23.VerifyNonMembership(ics23.IavlSpec, empty.AppHash, proof, key) {
		t.Fatal("absence is not proven")
	}
	var heads []*abci.ResponseFinalizeBlock
	for _, text := range []string{"one", "two", "three"} {
		out, _ := n.block(n.sign(0, chain.TxSend, n.sendFields(text)...))
		heads = append(heads, out)
	}
	for i, head := range heads {
		answer, proof := prove(height + 1 + int64(i))
		if len(answer.Value) != 40 || answer.Value[7] != byte(i+1) {
			t.Fatalf("head %d is %x", i+1, answer.Value)
		}
		if !ics23.VerifyMembership(ics23.IavlSpec, head.AppHash, proof, key, answer.Value) {
			t.Fatalf("head %d is not proven", i+1)
		}
		event := head.TxResults[0].Events[0]
		if event.Type != "isthmus_message" || event.Attributes[2].Value != fmt.Sprintf("%x", answer.Value[8:]) {
			t.Fatalf("the event of message %d says %v", i+1, event)
		}
	}
}

func TestStateSurvivesARestart(t *testing.T) {
	n := newNode(t).opened()
	a, _ := n.block(n.sign(0, chain.TxSend, n.sendFields("one")...))
	n.app.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: n.app.tree.Version() + 1, Time: n.now,
		Txs: [][]byte{n.sign(0, chain.TxSend, n.sendFields("lost")...)}}) // killed before its commit
	n.open(0)
	info, _ := n.app.Info(ctx, nil)
	if info.LastBlockHeight != 3 || !bytes.Equal(info.LastBlockAppHash, a.AppHash) {
		t.Fatalf("after the restart: %+v", info)
	}
	if out, _ := n.block(n.sign(0, chain.TxSend, n.sendFields("two")...)); out.TxResults[0].Code != CodeOK ||
		out.TxResults[0].Events[0].Attributes[1].Value != "2" {
		t.Fatalf("%+v", out.TxResults[0])
	}
}

func TestReplicasAgree(t *testing.T) {
	a, b := newNode(t).opened(), newNode(t).opened()
	for i := range 30 {
		var txs [][]byte
		for j := range i % 5 {
			tx := a.sign(0, chain.TxSend, a.sendFields(fmt.Sprint("message ", i, j))...)
			if out := a.check(tx); out.Code != CodeOK { // so that the next one has the next sequence
				t.Fatal(out.Log)
			}
			txs = append(txs, tx)
		}
		one, _ := a.block(txs...)
		two, _ := b.block(txs...)
		if !bytes.Equal(one.AppHash, two.AppHash) {
			t.Fatalf("block %d: two app hashes", i)
		}
		if i == 15 {
			b.open(0)
		}
	}
}

// A transaction runs once: its sequence is used up, whatever came of it.
func TestTransactionsRunOnce(t *testing.T) {
	n := newNode(t).opened()
	tx := n.sign(0, chain.TxSend, n.sendFields("one")...)
	out, _ := n.block(tx, tx)
	if out.TxResults[0].Code != CodeOK || out.TxResults[1].Code != CodeSequence {
		t.Fatalf("%d, %d", out.TxResults[0].Code, out.TxResults[1].Code)
	}
	refused := n.sign(2, chain.TxSend, n.sendFields("not mine")...)
	if got := n.check(refused); got.Code != CodeRefused || got.Log[:9] != "NotSender" {
		t.Fatalf("%+v", got)
	}
	out, _ = n.block(refused, refused)
	if out.TxResults[0].Code != CodeRefused || out.TxResults[1].Code != CodeSequence {
		t.Fatalf("%d, %d", out.TxResults[0].Code, out.TxResults[1].Code)
	}
	if got := n.check([]byte("nonsense")); got.Code != CodeMalformed {
		t.Fatalf("%+v", got)
	}
}

func TestOldStatesArePrunedWhenAsked(t *testing.T) {
	n := newNode(t).opened()
	n.open(3)
	for range 10 {
		n.block()
	}
	query := func(height int64) *abci.ResponseQuery {
		out, _ := n.app.Query(ctx, &abci.RequestQuery{Path: "/store", Data: []byte("registry"), Height: height, Prove: true})
		return out
	}
	if got := query(12); got.Code != CodeOK {
		t.Fatal(got.Log)
	}
	if got := query(5); got.Code == CodeOK {
		t.Fatal("a pruned state answers")
	}
}

func TestValidatorChangesAreNetted(t *testing.T) {
	n := newNode(t)
	n.block()
	key := bytes.Repeat([]byte{2}, 32)
	set := func(power uint64) []byte {
		tx := n.sign(0, chain.TxValidator, key, formats.U64(power))
		if out := n.check(tx); out.Code != CodeOK {
			t.Fatal(out.Log)
		}
		return tx
	}
	out, _ := n.block(set(5), set(0))
	if len(out.ValidatorUpdates) != 0 {
		t.Fatalf("%v", out.ValidatorUpdates) // the removal of a stranger would stop consensus
	}
	out, _ = n.block(set(5), set(7))
	if len(out.ValidatorUpdates) != 1 || out.ValidatorUpdates[0].Power != 7 {
		t.Fatalf("%v", out.ValidatorUpdates)
	}
}

func TestLanePositions(t *testing.T) {
	n := newNode(t).opened()
	n.block(n.sign(0, chain.TxSend, n.sendFields("one")...))
	lane := n.lane()
	out, _ := n.app.Query(ctx, &abci.RequestQuery{Path: "/lane/outbox", Data: lane[:]})
	if len(out.Value) != 8+8+32+8+32+8 || out.Value[15] != 1 {
		t.Fatalf("%x", out.Value)
	}
	out, _ = n.app.Query(ctx, &abci.RequestQuery{Path: "/lane/inbox", Data: lane[:]})
	if len(out.Value) != 8+8+32+8+32+8 || out.Value[15] != 0 || out.Value[len(out.Value)-1] != 1 {
		t.Fatalf("%x", out.Value)
	}
}
