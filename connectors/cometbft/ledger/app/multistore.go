package app

import (
	"fmt"
	"strings"

	"isthmus/ledger/formats"

	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/log"
	"cosmossdk.io/store/metrics"
	pruning "cosmossdk.io/store/pruning/types"
	"cosmossdk.io/store/rootmulti"
	storetypes "cosmossdk.io/store/types"
	abci "github.com/cometbft/cometbft/abci/types"
	dbm "github.com/cosmos/cosmos-db"
)

// Stores of other modules, as a chain of the Cosmos SDK has them beside the one in question.
var otherModules = []string{"acc", "bank", "staking", "upgrade"}

// Multistore is a state as chains of the Cosmos SDK keep it, by the SDK's own library: an iavl tree for each module under its store's name, and
// the app hash over all names and roots. The chain side of Isthmus lies in one of them. Paths are the SDK's: /store/NAME/key; two ICS-23 proofs
// lead from a key up, through the store's tree and the tree of stores.
type Multistore struct {
	*rootmulti.Store
	own     *storetypes.KVStoreKey
	others  []*storetypes.KVStoreKey
	initial int64
}

// OpenMultistore opens what lies in a data base; `name` is the store of the chain side.
func OpenMultistore(db dbm.DB, name string) (*Multistore, error) {
	m := &Multistore{Store: rootmulti.NewStore(db, log.NewNopLogger(), metrics.NewNoOpMetrics()), initial: 1}
	m.SetIAVLDisableFastNode(true)
	m.own = storetypes.NewKVStoreKey(name)
	m.MountStoreWithDB(m.own, storetypes.StoreTypeIAVL, nil)
	for _, other := range otherModules {
		if other == name {
			continue
		}
		key := storetypes.NewKVStoreKey(other)
		m.MountStoreWithDB(key, storetypes.StoreTypeIAVL, nil)
		m.others = append(m.others, key)
	}
	return m, m.LoadLatestVersion()
}

func (m *Multistore) Get(key []byte) []byte { return m.GetKVStore(m.own).Get(key) }
func (m *Multistore) Set(key, value []byte) { m.GetKVStore(m.own).Set(key, value) }
func (m *Multistore) Delete(key []byte)     { m.GetKVStore(m.own).Delete(key) }

func (m *Multistore) Begin(initial int64) error {
	m.initial = initial
	if err := m.LoadLatestVersion(); err != nil {
		return err
	}
	return m.SetInitialVersion(initial)
}

// Turn: something happens in every module in every block, so that each root is another one.
func (m *Multistore) Turn(now uint64) {
	for _, key := range m.others {
		m.GetKVStore(key).Set([]byte("time"), formats.U64(now))
	}
}

func (m *Multistore) Version() int64 { return m.LatestVersion() }

func (m *Multistore) Hash() []byte {
	if m.Version() == 0 {
		return nil
	}
	return m.LastCommitID().Hash
}

func (m *Multistore) Commit(keep int64) (version, retain int64, err error) {
	if keep != 0 {
		m.SetPruning(pruning.NewCustomPruningOptions(uint64(keep), 1))
	}
	version = m.Store.Commit().Version
	return version, retained(version, keep, m.initial), nil
}

func (m *Multistore) At(version int64) (View, error) {
	stores, err := m.CacheMultiStoreWithVersion(version)
	if err != nil {
		return nil, err
	}
	return multistoreView{stores.GetKVStore(m.own)}, nil
}

// Query is what baseapp makes of /store/NAME/key: questions with proof are about heights above 1.
func (m *Multistore) Query(req *abci.RequestQuery) *abci.ResponseQuery {
	asked := storetypes.RequestQuery(*req)
	asked.Path = strings.TrimPrefix(req.Path, "/store")
	if asked.Height == 0 {
		asked.Height = m.Version()
	}
	if asked.Prove && asked.Height <= 1 {
		return failed(CodeMalformed, "cannot query with proof when height <= 1; please provide a valid height")
	}
	out, err := m.Store.Query(&asked)
	if err != nil {
		space, code, text := errorsmod.ABCIInfo(err, false)
		return &abci.ResponseQuery{Codespace: space, Code: code, Log: text}
	}
	answer := abci.ResponseQuery(*out)
	answer.Height = asked.Height
	return &answer
}

type multistoreView struct{ storetypes.KVStore }

func (v multistoreView) First(start, end []byte) ([]byte, error) {
	iterator := v.Iterator(start, end)
	defer iterator.Close()
	if !iterator.Valid() {
		return nil, nil // its Error says no more than that
	}
	return append([]byte{}, iterator.Key()...), nil
}

// CheckStoreName refuses what the network document would not take as a store's name.
func CheckStoreName(name string) error {
	if len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fmt.Errorf("store %q: 1 to 32 of a-z 0-9 -", name)
	}
	return nil
}
