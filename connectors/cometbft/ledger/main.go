// isthmus-ledger is a CometBFT node with the chain side of Isthmus inside: outbox, inbox and registry.
//
//	isthmus-ledger network DIR …     writes the folders of a network of validators on this host
//	isthmus-ledger start --home DIR  runs one node
//	isthmus-ledger tx …              makes, signs and brings a transaction
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"isthmus/ledger/app"

	"github.com/cometbft/cometbft/cmd/cometbft/commands"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/cli"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/types"
	dbm "github.com/cosmos/cosmos-db"
	iavldb "github.com/cosmos/iavl/db"
)

func main() {
	root := commands.RootCmd
	root.Use = "isthmus-ledger"
	root.Short = "A CometBFT node with the chain side of Isthmus"
	start := commands.NewRunNodeCmd(newNode)
	start.Flags().Int64Var(&keep, "keep", 0, "newest blocks whose state and proofs are kept; 0: all")
	root.AddCommand(start, commands.ShowNodeIDCmd, commands.ShowValidatorCmd, commands.VersionCmd, networkCommand(), txCommand())
	command := cli.PrepareBaseCmd(root, "LEDGER", os.ExpandEnv(filepath.Join("$HOME", ".isthmus-ledger")))
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}

var keep int64

// openState opens the state in a node's folder, of the kind that the genesis document names.
func openState(c *config.Config) (app.State, error) {
	doc, err := types.GenesisDocFromFile(c.GenesisFile())
	if err != nil {
		return nil, err
	}
	var genesis app.Genesis
	if err := json.Unmarshal(doc.AppState, &genesis); err != nil {
		return nil, fmt.Errorf("app_state of the genesis document: %w", err)
	}
	if genesis.Store != "" {
		db, err := dbm.NewDB("ledger", dbm.GoLevelDBBackend, c.DBDir())
		if err != nil {
			return nil, err
		}
		return app.OpenMultistore(db, genesis.Store)
	}
	db, err := iavldb.NewDB("ledger", "goleveldb", c.DBDir())
	if err != nil {
		return nil, err
	}
	return app.OpenTree(db)
}

func newNode(c *config.Config, logger log.Logger) (*node.Node, error) {
	state, err := openState(c)
	if err != nil {
		return nil, fmt.Errorf("state of the ledger in %s: %w", c.DBDir(), err)
	}
	key, err := p2p.LoadOrGenNodeKey(c.NodeKeyFile())
	if err != nil {
		return nil, fmt.Errorf("node key %s: %w", c.NodeKeyFile(), err)
	}
	return node.NewNode(c, privval.LoadOrGenFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()), key,
		proxy.NewLocalClientCreator(app.New(state, keep)), node.DefaultGenesisDocProviderFunc(c), config.DefaultDBProvider,
		node.DefaultMetricsProvider(c.Instrumentation), logger)
}
