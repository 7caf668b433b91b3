package app

import (
	"fmt"

	"isthmus/ledger/chain"

	abci "github.com/cometbft/cometbft/abci/types"
)

// State is where the application keeps what the chain side reads and writes: a working version, which a block changes, and the committed
// ones before it. Tree and Multistore are the two that there are.
type State interface {
	chain.Store
	// Begin forgets all that is not committed; the first version will be `initial`.
	Begin(initial int64) error
	// Turn is what the rest of the chain does in a block of this time.
	Turn(now uint64)
	// Version is the newest committed one; 0: none.
	Version() int64
	// Hash is the app hash of the newest version; nil: none.
	Hash() []byte
	// WorkingHash is the app hash that the next version will have.
	WorkingHash() []byte
	// Commit makes the working version durable, and forgets those below `retain`, which is 0 for none; it gives both.
	Commit(keep int64) (version, retain int64, err error)
	// At is a committed version.
	At(version int64) (View, error)
	// Query answers about a key, with its proof: paths that begin with /store.
	Query(req *abci.RequestQuery) *abci.ResponseQuery
}

// View is a committed version. Nobody writes to it.
type View interface {
	chain.Store
	// First is the lowest key from start to before end; nil: there is none.
	First(start, end []byte) ([]byte, error)
}

// A state that cannot be read is a broken disk: nothing can go on.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("state unreadable: %w", err))
	}
}

// retained is the oldest version to keep when `keep` are kept besides the newest; 0: all are.
func retained(version, keep, initial int64) int64 {
	if keep == 0 || version-keep <= initial {
		return 0
	}
	return version - keep
}
