package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"isthmus/ledger/app"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"
	"github.com/spf13/cobra"
)

type network struct {
	validators, spares int
	chainID            string
	blockMS            int
	power              int64
	genesis            app.Genesis
	members            []string
	quorum             int
}

// networkCommand writes what a network of validators on this host needs; DIR/network.json says where everything is.
func networkCommand() *cobra.Command {
	n := network{}
	command := &cobra.Command{
		Use:   "network DIR",
		Short: "Write the folders of a network of validators on this host",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return n.write(args[0]) },
	}
	f := command.Flags()
	f.IntVar(&n.validators, "validators", 4, "validators")
	f.IntVar(&n.spares, "spares", 0, "nodes besides, whose keys may become validators later")
	f.StringVar(&n.chainID, "chain-id", "isthmus-1", "chain id")
	f.IntVar(&n.blockMS, "block-ms", 200, "milliseconds between blocks, about")
	f.Int64Var(&n.power, "power", 10, "power of each validator")
	f.StringVar(&n.genesis.Network, "network", "demo", "name of the Isthmus network")
	f.IntVar(&n.quorum, "quorum", 1, "operators whose signatures make a certificate")
	f.StringSliceVar(&n.members, "member", nil, "OPERATOR:SIDE:ADDRESS of an attester; ascending; may be given often")
	f.StringVar(&n.genesis.Store, "store", "", "keep the state in the store of this name of a multistore, as chains of the Cosmos SDK do")
	f.StringVar(&n.genesis.Admin, "admin", "", "address of the account that may change validators")
	return command
}

// freePort is a port on which nobody listens, below those that the system gives to connections, so that a node finds it free after a
// restart, too.
func freePort(taken map[int]bool) (int, error) {
	for i := 0; i < 1000; i++ {
		port := 10000 + rand.Intn(20000)
		if taken[port] {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		taken[port] = true
		return port, listener.Close()
	}
	return 0, fmt.Errorf("no free port between 10000 and 30000")
}

func (n *network) readMembers() error {
	n.genesis.Quorum = uint16(n.quorum)
	for _, text := range n.members {
		parts := strings.Split(text, ":")
		if len(parts) != 3 {
			return fmt.Errorf("--member %s: OPERATOR:SIDE:ADDRESS", text)
		}
		operator, err := strconv.ParseUint(parts[0], 10, 16)
		if err != nil {
			return fmt.Errorf("--member %s: %w", text, err)
		}
		side, err := strconv.ParseUint(parts[1], 10, 8)
		if err != nil {
			return fmt.Errorf("--member %s: %w", text, err)
		}
		n.genesis.Members = append(n.genesis.Members, app.Member{Operator: uint16(operator), Side: uint8(side), Key: parts[2]})
	}
	return nil
}

type place struct {
	Home    string `json:"home"`
	ID      string `json:"id"`
	P2P     int    `json:"p2p"`
	RPC     int    `json:"rpc"`
	Address string `json:"address"`
	Key     string `json:"key"` // ed25519, hexadecimal
}

func (n *network) write(dir string) error {
	if err := n.readMembers(); err != nil {
		return err
	}
	if err := app.CheckStoreName(n.genesis.Store); err != nil {
		return err
	}
	state, err := json.Marshal(n.genesis)
	if err != nil {
		return err
	}
	doc := types.GenesisDoc{ChainID: n.chainID, GenesisTime: time.Now().UTC().Truncate(time.Second),
		ConsensusParams: types.DefaultConsensusParams(), InitialHeight: 1, AppState: state}
	places, taken, peers := []place{}, map[int]bool{}, []string{}
	for i := 0; i < n.validators+n.spares; i++ {
		home, err := filepath.Abs(filepath.Join(dir, fmt.Sprintf("node%d", i)))
		if err != nil {
			return err
		}
		config.EnsureRoot(home)
		c := config.DefaultConfig().SetRoot(home)
		key := privval.LoadOrGenFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile())
		id, err := p2p.LoadOrGenNodeKey(c.NodeKeyFile())
		if err != nil {
			return err
		}
		p := place{Home: home, ID: string(id.ID()), Address: key.GetAddress().String(),
			Key: fmt.Sprintf("%x", key.Key.PubKey.Bytes())}
		if p.P2P, err = freePort(taken); err != nil {
			return err
		}
		if p.RPC, err = freePort(taken); err != nil {
			return err
		}
		places = append(places, p)
		peers = append(peers, fmt.Sprintf("%s@127.0.0.1:%d", p.ID, p.P2P))
		if i < n.validators {
			doc.Validators = append(doc.Validators, types.GenesisValidator{Address: key.GetAddress(), PubKey: key.Key.PubKey,
				Power: n.power, Name: fmt.Sprintf("node%d", i)})
		}
	}
	for _, p := range places {
		c := n.config(p, strings.Join(peers, ","))
		config.WriteConfigFile(filepath.Join(p.Home, "config", "config.toml"), c)
		if err := doc.SaveAs(c.GenesisFile()); err != nil {
			return err
		}
	}
	out, err := json.MarshalIndent(map[string]any{"chain_id": n.chainID, "nodes": places}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "network.json"), append(out, '\n'), 0o644)
}

func (n *network) config(p place, peers string) *config.Config {
	c := config.DefaultConfig().SetRoot(p.Home)
	ms := func(count int) time.Duration { return time.Duration(count) * time.Millisecond }
	c.P2P.ListenAddress = fmt.Sprintf("tcp://127.0.0.1:%d", p.P2P)
	c.RPC.ListenAddress = fmt.Sprintf("tcp://127.0.0.1:%d", p.RPC)
	c.P2P.PersistentPeers, c.P2P.PexReactor = peers, false
	c.P2P.AllowDuplicateIP, c.P2P.AddrBookStrict = true, false
	c.Consensus.TimeoutPropose, c.Consensus.TimeoutProposeDelta = ms(2*n.blockMS), ms(100)
	c.Consensus.TimeoutPrevote, c.Consensus.TimeoutPrevoteDelta = ms(n.blockMS/2), ms(50)
	c.Consensus.TimeoutPrecommit, c.Consensus.TimeoutPrecommitDelta = ms(n.blockMS/2), ms(50)
	c.Consensus.TimeoutCommit, c.Consensus.PeerGossipSleepDuration = ms(n.blockMS), ms(20)
	c.Mempool.MaxTxBytes, c.RPC.MaxBodyBytes = 2<<20, 8<<20 // a delivery of 256 messages, and its base64
	c.Storage.DiscardABCIResponses = false                  // their events are what connectors read
	c.LogLevel = "error"
	return c
}
