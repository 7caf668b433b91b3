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
//	/store/NAME/key the same where the state is a multistore, of the store of that name: two proofs
//	/identity       network id ‖ chain ‖ genesis ‖ outbox ‖ inbox ‖ registry
//	/account        data: account (32 bytes). u64 sequence
//	/lane/outbox    data: lane. u64 time of the block ‖ count ‖ R ‖ entries taken ‖ Q ‖ settled mark
//	/lane/inbox     data: lane. u64 time of the block ‖ accepted ‖ R ‖ decided ‖ Q ‖ lowest undecided sequence
//
// The last four are of the newest state, without proof.
func (a *Application) Query(_ context.Context, req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	version := a.state.Version()
	if version == 0 {
		return failed(CodeNotBegun, "the chain has no first block yet"), nil
	}
	if strings.HasPrefix(req.Path, "/store") {
		return a.state.Query(req), nil
	}
	view, err := a.state.At(version)
	if err != nil {
		return nil, err
	}
	value, err := a.answer(view, req.Path, req.Data)
	if err != nil {
		return failed(CodeMalformed, err.Error()), nil
	}
	return &abci.ResponseQuery{Height: version, Key: req.Data, Value: value}, nil
}

func failed(code uint32, text string) *abci.ResponseQuery {
	return &abci.ResponseQuery{Code: code, Log: text}
}

func (a *Application) answer(view View, path string, data []byte) ([]byte, error) {
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
		undecided, err := lowestPending(view, about, i.Accepted+1)
		if err != nil {
			return nil, err
		}
		return bytes.Join([][]byte{formats.U64(lastTime(view)), formats.U64(i.Accepted), i.R[:], formats.U64(i.Decided), i.Q[:],
			formats.U64(undecided)}, nil), nil
	}
	return nil, fmt.Errorf("unknown path %s", path)
}

// lowestPending is the lowest undecided sequence of a lane; `none` when every accepted one is decided.
func lowestPending(view View, lane formats.Hash, none uint64) (uint64, error) {
	prefix := chain.PendingPrefix(lane)
	key, err := view.First(prefix, append(append([]byte{}, prefix...), bytes.Repeat([]byte{0xff}, 9)...))
	if err != nil || key == nil {
		return none, err
	}
	return binary.BigEndian.Uint64(key[len(prefix):]), nil
}
