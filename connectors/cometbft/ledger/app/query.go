package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"isthmus/ledger/chain"
	"isthmus/ledger/formats"

	abci "github.com/cometbft/cometbft/abci/types"
	cryptoproto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	"github.com/cosmos/iavl"
)

// ParseAccount reads 20 bytes of hexadecimal digits as an account.
func ParseAccount(text string) (account formats.Hash, err error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(raw) != 20 {
		return account, errors.New("not an address of 20 bytes")
	}
	copy(account[12:], raw)
	return account, nil
}

// Query answers about committed state. Paths:
//
//	/store          data: a key. The value, and with prove the ICS-23 proof of its presence or absence at that height
//	/identity       network id ‖ chain ‖ genesis ‖ outbox ‖ inbox ‖ registry
//	/account        data: account (32 bytes). u64 sequence
//	/lane/outbox    data: lane. u64 time of the block ‖ count ‖ R ‖ entries taken ‖ Q ‖ settled mark
//	/lane/inbox     data: lane. u64 time of the block ‖ accepted ‖ R ‖ decided ‖ Q ‖ lowest undecided sequence
//
// The last four are of the newest state, without proof.
func (a *Application) Query(_ context.Context, req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	version := a.tree.Version()
	if version == 0 {
		return failed(CodeNotBegun, "the chain has no first block yet"), nil
	}
	if req.Path == "/store" {
		if req.Height != 0 {
			version = req.Height
		}
		return a.queryStore(req, version), nil
	}
	tree, err := a.tree.GetImmutable(version)
	if err != nil {
		return nil, err
	}
	view := immutableStore{tree}
	value, err := a.answer(view, req.Path, req.Data)
	if err != nil {
		return failed(CodeMalformed, err.Error()), nil
	}
	return &abci.ResponseQuery{Height: version, Key: req.Data, Value: value}, nil
}

func failed(code uint32, text string) *abci.ResponseQuery {
	return &abci.ResponseQuery{Code: code, Log: text}
}

func (a *Application) queryStore(req *abci.RequestQuery, version int64) *abci.ResponseQuery {
	if len(req.Data) == 0 {
		return failed(CodeMalformed, "/store: data is the key")
	}
	if !a.tree.VersionExists(version) {
		return failed(CodeMalformed, fmt.Sprintf("no state of height %d here; the newest is %d", version, a.tree.Version()))
	}
	tree, err := a.tree.GetImmutable(version)
	if err != nil {
		return failed(CodeMalformed, err.Error())
	}
	value, err := tree.Get(req.Data)
	if err != nil {
		return failed(CodeMalformed, err.Error())
	}
	out := &abci.ResponseQuery{Height: version, Key: req.Data, Value: value}
	if !req.Prove {
		return out
	}
	proof, err := tree.GetProof(req.Data)
	if err == nil {
		var raw []byte
		if raw, err = proof.Marshal(); err == nil {
			op := cryptoproto.ProofOp{Type: "ics23:iavl", Key: req.Data, Data: raw}
			out.ProofOps = &cryptoproto.ProofOps{Ops: []cryptoproto.ProofOp{op}}
			return out
		}
	}
	return failed(CodeMalformed, err.Error())
}

// immutableStore is a committed state; nobody writes to it.
type immutableStore struct{ tree *iavl.ImmutableTree }

func (s immutableStore) Get(key []byte) []byte {
	value, err := s.tree.Get(key)
	must(err)
	return value
}

func (immutableStore) Set(_, _ []byte) { panic("a committed state is not written") }
func (immutableStore) Delete(_ []byte) { panic("a committed state is not written") }

func (a *Application) answer(view immutableStore, path string, data []byte) ([]byte, error) {
	if path == "/identity" {
		id := chain.ReadIdentity(view)
		return bytes.Join([][]byte{id.Network[:], id.Chain[:], id.Genesis[:], chain.Outbox[:], chain.Inbox[:],
			chain.Registry[:]}, nil), nil
	}
	if len(data) != 32 {
		return nil, fmt.Errorf("%s: data is 32 bytes", path)
	}
	about := formats.Hash(data)
	switch path {
	case "/account":
		return formats.U64(chain.Sequence(view, about)), nil
	case "/lane/outbox":
		call := chain.Call{Store: view}
		o := call.OutboxPosition(about)
		return bytes.Join([][]byte{formats.U64(lastTime(view)), formats.U64(o.Count), o.R[:], formats.U64(o.Taken), o.Q[:],
			formats.U64(o.Mark)}, nil), nil
	case "/lane/inbox":
		call := chain.Call{Store: view}
		i := call.InboxPosition(about)
		undecided, err := view.lowestPending(about, i.Accepted+1)
		if err != nil {
			return nil, err
		}
		return bytes.Join([][]byte{formats.U64(lastTime(view)), formats.U64(i.Accepted), i.R[:], formats.U64(i.Decided), i.Q[:],
			formats.U64(undecided)}, nil), nil
	}
	return nil, fmt.Errorf("unknown path %s", path)
}

// lowestPending is the lowest undecided sequence of a lane; `none` when every accepted one is decided.
func (s immutableStore) lowestPending(lane formats.Hash, none uint64) (uint64, error) {
	prefix := chain.PendingPrefix(lane)
	end := append(append([]byte{}, prefix...), bytes.Repeat([]byte{0xff}, 9)...)
	iterator, err := s.tree.Iterator(prefix, end, true)
	if err != nil {
		return 0, err
	}
	defer iterator.Close()
	if !iterator.Valid() {
		return none, iterator.Error()
	}
	return binary.BigEndian.Uint64(iterator.Key()[len(prefix):]), nil
}
