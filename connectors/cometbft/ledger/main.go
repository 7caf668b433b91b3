// isthmus-ledger is a CometBFT node with the chain side of Isthmus inside: outbox, inbox and registry over an iavl tree.
//
//	isthmus-ledger network DIR …     writes the folders of a network of validators on this host
//	isthmus-ledger start --home DIR  runs one node
//	isthmus-ledger tx …              makes, signs and brings a transaction
package main

import (
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

func newNode(c *config.Config, logger log.Logger) (*node.Node, error) {
	db, err := iavldb.NewDB("ledger", "goleveldb", c.DBDir())
	if err != nil {
		return nil, fmt.Errorf("state of the ledger in %s: %w", c.DBDir(), err)
	}
	application, err := app.New(db, keep)
	if err != nil {
		return nil, err
	}
	key, err := p2p.LoadOrGenNodeKey(c.NodeKeyFile())
	if err != nil {
		return nil, fmt.Errorf("node key %s: %w", c.NodeKeyFile(), err)
	}
	return node.NewNode(c, privval.LoadOrGenFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()), key,
		proxy.NewLocalClientCreator(application), node.DefaultGenesisDocProviderFunc(c), config.DefaultDBProvider,
		node.DefaultMetricsProvider(c.Instrumentation), logger)
}
