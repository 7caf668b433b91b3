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
	dbm "github.com/cosmos/cosmos-db"
	iavldb "github.com/cosmos/iavl/db"
	ics23 "github.com/cosmos/ics23/go"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// node is one replica; blocks are given to it as CometBFT would.
type node struct {
	*testing.T
	store string // of a multistore; empty: its state is one tree
	open  func(keep int64)
	app   *Application
	now   time.Time
}

var ctx = context.Background()

func secret(number byte) *secp256k1.PrivateKey {
	return secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{number + 1}, 32))
}

// eachState runs a test on both kinds of state.
func eachState(t *testing.T, test func(t *testing.T, store string)) {
	t.Run("tree", func(t *testing.T) { test(t, "") })
	t.Run("multistore", func(t *testing.T) { test(t, "isthmus") })
}

func newNode(t *testing.T, store string) *node {
	n := &node{T: t, store: store, now: time.Unix(1_800_000_000, 5)}
	tree, stores := iavldb.NewMemDB(), dbm.NewMemDB()
	n.open = func(keep int64) {
		var state State
		var err error
		if store == "" {
			state, err = OpenTree(tree)
		} else {
			state, err = OpenMultistore(stores, store)
		}
		if err != nil {
			t.Fatal(err)
		}
		n.app = New(state, keep)
	}
	n.open(0)
	key := formats.KeyID(secret(0).PubKey())
	state, _ := json.Marshal(Genesis{Network: "demo", Quorum: 1, Admin: fmt.Sprintf("%x", key[12:]), Store: store,
		Members: []Member{{1, 1, fmt.Sprintf("0x%x", key[12:])}}})
	req := &abci.RequestInitChain{ChainId: "test-1", InitialHeight: 1, AppStateBytes: state,
		Validators: []abci.ValidatorUpdate{abci.Ed25519ValidatorUpdate(bytes.Repeat([]byte{1}, 32), 10)}}
	if _, err := n.app.InitChain(ctx, req); err != nil {
		t.Fatal(err)
	}
	return n
}

// path is that of questions about a store's keys.
func path(store string) string {
	if store == "" {
		return "/store"
	}
	return "/store/" + store + "/key"
}

// isProven tells whether an answer's proof leads from what it says to the app hash, through the store of this name; this is ics23's
// own verifier.
func (n *node) isProven(store string, answer *abci.ResponseQuery, appHash []byte) bool {
	n.Helper()
	root, ops := appHash, answer.ProofOps.Ops
	proofs := make([]*ics23.CommitmentProof, len(ops))
	for i := range ops {
		proofs[i] = &ics23.CommitmentProof{}
		if err := proofs[i].Unmarshal(ops[i].Data); err != nil {
			n.Fatal(err)
		}
	}
	if store != "" {
		if len(ops) != 2 || ops[1].Type != "ics23:simple" || string(ops[1].Key) != store {
			n.Fatalf("%v", ops)
		}
		root = proofs[1].GetExist().Value
		if !ics23.VerifyMembership(ics23.TendermintSpec, appHash, proofs[1], []byte(store), root) {
			return false
		}
	} else if len(ops) != 1 {
		n.Fatalf("%v", ops)
	}
	if ops[0].Type != "ics23:iavl" || !bytes.Equal(ops[0].Key, answer.Key) {
		n.Fatalf("%v", ops)
	}
	if answer.Value == nil {
		return ics23.VerifyNonMembership(ics23.IavlSpec, root, proofs[0], answer.Key)
	}
	return ics23.VerifyMembership(ics23.IavlSpec, root, proofs[0], answer.Key, answer.Value)
}

func (n *node) block(txs ...[]byte) (*abci.ResponseFinalizeBlock, int64) {
	n.Helper()
	height := n.app.state.Version() + 1
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
	id := chain.ReadIdentity(n.app.state)
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
	id := chain.ReadIdentity(n.app.state)
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
	id := chain.ReadIdentity(n.app.state)
	out, _ := n.block(n.sign(0, chain.TxOpen, openFields(id)...))
	if out.TxResults[0].Code != CodeOK {
		n.Fatal(out.TxResults[0].Log)
	}
	return n
}

// A head is proven against the app hash of the next header, and so is its absence: what light clients elsewhere rely on.
func TestHeadsAreProvable(t *testing.T) { eachState(t, headsAreProvable) }

func headsAreProvable(t *testing.T, store string) {
	n := newNode(t, store).opened()
	log := formats.LogID(n.lane(), formats.LogMessage)
	key := chain.HeadKey(chain.Outbox, log)
	ask := func(height int64) *abci.ResponseQuery {
		answer, err := n.app.Query(ctx, &abci.RequestQuery{Path: path(store), Data: key, Height: height, Prove: true})
		if err != nil || answer.Code != 0 || answer.Height != height {
			t.Fatal(err, answer)
		}
		return answer
	}
	empty, height := n.block()
	if answer := ask(height); answer.Value != nil || !n.isProven(store, answer, empty.AppHash) {
		t.Fatal("absence is not proven")
	}
	var heads []*abci.ResponseFinalizeBlock
	for _, text := range []string{"one", "two", "three"} {
		out, _ := n.block(n.sign(0, chain.TxSend, n.sendFields(text)...))
		heads = append(heads, out)
	}
	for i, head := range heads {
		answer := ask(height + 1 + int64(i))
		if len(answer.Value) != 40 || answer.Value[7] != byte(i+1) {
			t.Fatalf("head %d is %x", i+1, answer.Value)
		}
		if !n.isProven(store, answer, head.AppHash) {
			t.Fatalf("head %d is not proven", i+1)
		}
		event := head.TxResults[0].Events[0]
		if event.Type != "isthmus_message" || event.Attributes[2].Value != fmt.Sprintf("%x", answer.Value[8:]) {
			t.Fatalf("the event of message %d says %v", i+1, event)
		}
	}
}

// The other modules' stores are there, and provable; they hold nothing of the chain side. A store that is not there is refused, and so is
// a question to the whole state as if it were one tree.
func TestOtherStores(t *testing.T) {
	n := newNode(t, "isthmus").opened()
	block, height := n.block()
	ask := func(path string, key string) *abci.ResponseQuery {
		answer, err := n.app.Query(ctx, &abci.RequestQuery{Path: path, Data: []byte(key), Height: height, Prove: true})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for _, store := range []string{"isthmus", "bank", "acc"} {
		answer := ask(path(store), "identity")
		if answer.Code != 0 || (answer.Value != nil) != (store == "isthmus") || !n.isProven(store, answer, block.AppHash) {
			t.Fatalf("%s: %v", store, answer)
		}
	}
	for _, path := range []string{"/store", "/store/ibc/key", "/store/isthmus", "/store/isthmus/other"} {
		if answer := ask(path, "identity"); answer.Code == 0 || answer.ProofOps != nil {
			t.Fatalf("%s: %v", path, answer)
		}
	}
}

func TestStateSurvivesARestart(t *testing.T) { eachState(t, stateSurvivesARestart) }

func stateSurvivesARestart(t *testing.T, store string) {
	n := newNode(t, store).opened()
	a, _ := n.block(n.sign(0, chain.TxSend, n.sendFields("one")...))
	n.app.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: n.app.state.Version() + 1, Time: n.now,
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

func TestReplicasAgree(t *testing.T) { eachState(t, replicasAgree) }

func replicasAgree(t *testing.T, store string) {
	a, b := newNode(t, store).opened(), newNode(t, store).opened()
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
	n := newNode(t, "").opened()
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

func TestOldStatesArePrunedWhenAsked(t *testing.T) { eachState(t, oldStatesArePrunedWhenAsked) }

func oldStatesArePrunedWhenAsked(t *testing.T, store string) {
	n := newNode(t, store).opened()
	n.open(3)
	for range 10 {
		n.block()
	}
	query := func(height int64) *abci.ResponseQuery {
		out, _ := n.app.Query(ctx, &abci.RequestQuery{Path: path(store), Data: []byte("registry"), Height: height, Prove: true})
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
	n := newNode(t, "")
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

func TestLanePositions(t *testing.T) { eachState(t, lanePositions) }

func lanePositions(t *testing.T, store string) {
	n := newNode(t, store).opened()
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
