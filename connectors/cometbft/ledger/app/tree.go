package app

import (
	"fmt"

	"cosmossdk.io/log"
	abci "github.com/cometbft/cometbft/abci/types"
	cryptoproto "github.com/cometbft/cometbft/proto/tendermint/crypto"
	"github.com/cosmos/iavl"
	iavldb "github.com/cosmos/iavl/db"
)

const cacheNodes = 10000

// Tree is a state that is one iavl tree, whose root is the app hash. Its only path is /store; one ICS-23 proof leads from a key up.
type Tree struct {
	tree    *iavl.MutableTree
	initial int64
}

// OpenTree opens what lies in a data base.
func OpenTree(db iavldb.DB) (*Tree, error) {
	tree := iavl.NewMutableTree(db, cacheNodes, true, log.NewNopLogger())
	_, err := tree.Load()
	return &Tree{tree, 1}, err
}

func (t *Tree) Get(key []byte) []byte {
	value, err := t.tree.Get(key)
	must(err)
	return value
}

func (t *Tree) Set(key, value []byte) {
	_, err := t.tree.Set(key, value)
	must(err)
}

func (t *Tree) Delete(key []byte) {
	_, _, err := t.tree.Remove(key)
	must(err)
}

func (t *Tree) Begin(initial int64) error {
	t.tree.Rollback()
	t.tree.SetInitialVersion(uint64(initial))
	t.initial = initial
	return nil
}

func (t *Tree) Turn(uint64)         {}
func (t *Tree) Version() int64      { return t.tree.Version() }
func (t *Tree) WorkingHash() []byte { return t.tree.WorkingHash() }

func (t *Tree) Hash() []byte {
	if t.tree.Version() == 0 {
		return nil
	}
	return t.tree.Hash()
}

func (t *Tree) Commit(keep int64) (version, retain int64, err error) {
	if _, version, err = t.tree.SaveVersion(); err != nil {
		return 0, 0, err
	}
	if retain = retained(version, keep, t.initial); retain != 0 {
		err = t.tree.DeleteVersionsTo(retain - 1)
	}
	return version, retain, err
}

func (t *Tree) At(version int64) (View, error) {
	if !t.tree.VersionExists(version) {
		return nil, fmt.Errorf("no state of height %d here; the newest is %d", version, t.tree.Version())
	}
	tree, err := t.tree.GetImmutable(version)
	return treeView{tree}, err
}

func (t *Tree) Query(req *abci.RequestQuery) *abci.ResponseQuery {
	if req.Path != "/store" || len(req.Data) == 0 {
		return failed(CodeMalformed, "the state is one tree: the path is /store, data is the key")
	}
	version := req.Height
	if version == 0 {
		version = t.tree.Version()
	}
	view, err := t.At(version)
	if err != nil {
		return failed(CodeMalformed, err.Error())
	}
	out := &abci.ResponseQuery{Height: version, Key: req.Data, Value: view.Get(req.Data)}
	if !req.Prove {
		return out
	}
	proof, err := view.(treeView).tree.GetProof(req.Data)
	must(err)
	raw, err := proof.Marshal()
	must(err)
	op := cryptoproto.ProofOp{Type: "ics23:iavl", Key: req.Data, Data: raw}
	out.ProofOps = &cryptoproto.ProofOps{Ops: []cryptoproto.ProofOp{op}}
	return out
}

type treeView struct{ tree *iavl.ImmutableTree }

func (v treeView) Get(key []byte) []byte {
	value, err := v.tree.Get(key)
	must(err)
	return value
}

func (treeView) Set(_, _ []byte) { panic("a committed state is not written") }
func (treeView) Delete(_ []byte) { panic("a committed state is not written") }

func (v treeView) First(start, end []byte) ([]byte, error) {
	iterator, err := v.tree.Iterator(start, end, true)
	if err != nil {
		return nil, err
	}
	defer iterator.Close()
	if !iterator.Valid() {
		return nil, iterator.Error()
	}
	return append([]byte{}, iterator.Key()...), nil
}
