// Package app is the ABCI application: it brings transactions from CometBFT to the chain side of Isthmus, and keeps its state, whose hash
// after block H is the app hash in header H + 1: of one iavl tree, or of a multistore as the Cosmos SDK has it.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"isthmus/ledger/chain"
	"isthmus/ledger/formats"

	abci "github.com/cometbft/cometbft/abci/types"
	cryptoproto "github.com/cometbft/cometbft/proto/tendermint/crypto"
)

// Codes of a transaction's result. A refused one has been paid with its sequence; the others changed nothing.
const (
	CodeOK        = 0
	CodeMalformed = 1
	CodeSignature = 2
	CodeSequence  = 3
	CodeRefused   = 4
	CodeNotBegun  = 5
)

// Application implements abci.Application. CometBFT's local client calls it from one thread at a time.
type Application struct {
	abci.BaseApplication
	state     State
	block     *chain.Overlay // changes of the block under way
	mempool   *chain.Overlay // changes of the transactions that wait, over the last committed state
	blockTime uint64         // of the last block
	initial   int64
	keep      int64 // versions to keep; 0: all
}

// New goes on from a state. `keep`: how many newest blocks it answers for; 0: all.
func New(state State, keep int64) *Application {
	a := &Application{state: state, keep: keep, initial: 1}
	a.forget()
	a.blockTime = lastTime(a.mempool)
	return a
}

func (a *Application) forget() {
	a.block, a.mempool = chain.NewOverlay(a.state), chain.NewOverlay(a.state)
}

var keyTime = []byte("time")

func lastTime(s chain.Store) uint64 { return chain.ReadNumber(s, keyTime) }

// Info tells CometBFT where to go on after a restart.
func (a *Application) Info(_ context.Context, _ *abci.RequestInfo) (*abci.ResponseInfo, error) {
	return &abci.ResponseInfo{Data: "isthmus-ledger", Version: "1", AppVersion: 1, LastBlockHeight: a.state.Version(),
		LastBlockAppHash: a.state.Hash()}, nil
}

// Genesis is the app_state of a genesis document.
type Genesis struct {
	Network string   `json:"network"`
	Quorum  uint16   `json:"quorum"`
	Members []Member `json:"members"`
	Admin   string   `json:"admin"` // address of the account that may change validators; may be empty
	Store   string   `json:"store"` // name of its store where the state is a multistore; empty: it is one tree
}

// Member is one key of an attester.
type Member struct {
	Operator uint16 `json:"operator"`
	Side     uint8  `json:"side"`
	Key      string `json:"key"` // address, 20 bytes
}

// InitChain writes the state before the first block: network, members of the registry's epoch 1.
func (a *Application) InitChain(_ context.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	var g Genesis
	if err := json.Unmarshal(req.AppStateBytes, &g); err != nil {
		return nil, fmt.Errorf("app_state of the genesis document: %w", err)
	}
	if len(g.Network) == 0 || len(g.Network) > 32 || len(req.ChainId) == 0 || len(req.ChainId) > 32 {
		return nil, errors.New("genesis: network and chain_id have 1 to 32 characters")
	}
	if err := a.state.Begin(req.InitialHeight); err != nil {
		return nil, err
	}
	a.forget()
	a.initial = req.InitialHeight
	chain.SetNetwork(a.block, formats.Network(g.Network), "cosmos:"+req.ChainId)
	members := make([]formats.Member, 0, len(g.Members))
	for _, m := range g.Members {
		key, err := ParseAccount(m.Key)
		if err != nil {
			return nil, fmt.Errorf("genesis: key of operator %d: %w", m.Operator, err)
		}
		members = append(members, formats.Member{Operator: m.Operator, Side: m.Side, Key: key})
	}
	if err := chain.BeginRegistry(a.block, g.Quorum, members); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	powers := map[formats.Hash]uint64{}
	for _, v := range req.Validators {
		key := v.PubKey.GetEd25519()
		if len(key) != 32 {
			return nil, errors.New("genesis: validators have ed25519 keys here")
		}
		powers[formats.Hash(key)] = uint64(v.Power)
	}
	chain.BeginValidators(a.block, powers)
	if g.Admin != "" {
		admin, err := ParseAccount(g.Admin)
		if err != nil {
			return nil, fmt.Errorf("genesis: admin: %w", err)
		}
		chain.SetAdmin(a.block, admin)
	}
	a.block.Write()
	return &abci.ResponseInitChain{AppHash: a.state.WorkingHash()}, nil
}

// CheckTx runs a transaction on what the mempool leads to, so that one that would be refused never enters a block, unless something
// comes between.
func (a *Application) CheckTx(_ context.Context, req *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	result := a.run(a.mempool, req.Tx, a.blockTime, true)
	return &abci.ResponseCheckTx{Code: result.Code, Data: result.Data, Log: result.Log}, nil
}

// run executes one transaction. A refusal keeps its sequence in a block (`checking` false): the same bytes are never tried twice.
func (a *Application) run(state *chain.Overlay, raw []byte, now uint64, checking bool) *abci.ExecTxResult {
	fail := func(code uint32, text string) *abci.ExecTxResult { return &abci.ExecTxResult{Code: code, Log: text} }
	id := chain.ReadIdentity(state)
	if id.Chain.IsZero() {
		return fail(CodeNotBegun, "the chain has no first block yet")
	}
	tx, err := chain.ReadTx(id.Chain, raw)
	if err != nil {
		code := uint32(CodeMalformed)
		if errors.Is(err, chain.ErrSignature) {
			code = CodeSignature
		}
		return fail(code, err.Error())
	}
	if want := chain.Sequence(state, tx.Sender); tx.Sequence != want {
		text := fmt.Sprintf("sequence of 0x%x is %d, not %d", tx.Sender[12:], want, tx.Sequence)
		return &abci.ExecTxResult{Code: CodeSequence, Data: formats.U64(want), Log: text}
	}
	effects := chain.NewOverlay(state)
	call := chain.Call{Store: effects, Time: now, Sender: tx.Sender}
	err = call.Run(&tx)
	if err == nil || !checking {
		chain.SetSequence(state, tx.Sender, tx.Sequence+1)
	}
	if err != nil {
		return fail(CodeRefused, err.Error())
	}
	effects.Write()
	result := &abci.ExecTxResult{}
	for _, event := range call.Events {
		out := abci.Event{Type: event.Type}
		for _, attribute := range event.Attributes {
			out.Attributes = append(out.Attributes, abci.EventAttribute(attribute))
		}
		result.Events = append(result.Events, out)
	}
	return result
}

// FinalizeBlock executes a block and tells the state's hash after it.
func (a *Application) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.block = chain.NewOverlay(a.state)
	if req.Height == a.initial && chain.ReadIdentity(a.block).Genesis.IsZero() {
		chain.SetGenesis(a.block, formats.Hash(req.Hash))
	}
	now := uint64(req.Time.Unix())
	chain.WriteNumber(a.block, keyTime, now)
	out := &abci.ResponseFinalizeBlock{}
	for _, raw := range req.Txs {
		out.TxResults = append(out.TxResults, a.run(a.block, raw, now, false))
	}
	out.ValidatorUpdates = a.validatorUpdates()
	a.block.Write()
	a.state.Turn(now)
	a.blockTime = now
	out.AppHash = a.state.WorkingHash()
	return out, nil
}

// validatorUpdates are the powers that differ from those before the block.
func (a *Application) validatorUpdates() (updates []abci.ValidatorUpdate) {
	for _, key := range chain.TouchedValidators(a.block) {
		power := chain.ValidatorPower(a.block, key)
		if power == chain.ValidatorPower(a.state, key) {
			continue
		}
		public := cryptoproto.PublicKey{Sum: &cryptoproto.PublicKey_Ed25519{Ed25519: append([]byte{}, key[:]...)}}
		updates = append(updates, abci.ValidatorUpdate{PubKey: public, Power: int64(power)})
	}
	return updates
}

// Commit makes the block's state durable.
func (a *Application) Commit(_ context.Context, _ *abci.RequestCommit) (*abci.ResponseCommit, error) {
	_, retain, err := a.state.Commit(a.keep)
	if err != nil {
		return nil, err
	}
	a.forget()
	return &abci.ResponseCommit{RetainHeight: retain}, nil
}
