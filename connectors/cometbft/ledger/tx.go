package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"isthmus/ledger/app"
	"isthmus/ledger/chain"
	"isthmus/ledger/formats"

	"github.com/cometbft/cometbft/rpc/client/http"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/spf13/cobra"
)

// account is a key at work on a node.
type account struct {
	node, keyFile string
	patience      time.Duration
	rpc           *http.HTTP
	secret        *secp256k1.PrivateKey
	chain         formats.Hash
	sequence      uint64
}

// txCommand is for people and tests: a transaction of each kind that needs no certificate, and `raw` for the others. It prints, as
// JSON, what became of each.
func txCommand() *cobra.Command {
	a := &account{}
	command := &cobra.Command{Use: "tx", Short: "Sign transactions, bring them, and wait for their blocks"}
	f := command.PersistentFlags()
	f.StringVar(&a.node, "node", "http://127.0.0.1:26657", "RPC address of a node")
	f.StringVar(&a.keyFile, "key-file", "", "file with the account's secret key, 64 hexadecimal digits")
	f.DurationVar(&a.patience, "patience", 30*time.Second, "how long to wait for a block")
	var life, count int
	var class uint32
	send := &cobra.Command{Use: "send LANE PAYLOAD", Args: cobra.ExactArgs(2), Short: "Send messages",
		RunE: func(_ *cobra.Command, args []string) error { return a.send(args[0], args[1], life, class, count) }}
	send.Flags().IntVar(&life, "life", 600, "seconds until the deadline")
	send.Flags().IntVar(&count, "count", 1, "how many; after the first, its number stands after the payload")
	send.Flags().Uint32Var(&class, "class", 0, "class of the message")
	command.AddCommand(send,
		&cobra.Command{Use: "open DESTINATION_CHAIN INBOX RECEIVER MODE SUITES MAX_LIFETIME", Args: cobra.ExactArgs(6),
			Short: "Open a lane",
			RunE:  func(_ *cobra.Command, args []string) error { return a.fields(chain.TxOpen, args, "hhh114") }},
		&cobra.Command{Use: "receiver BEHAVIOUR", Args: cobra.ExactArgs(1),
			Short: "Be a receiver: 0 none, 1 keep what comes, 2 refuse it",
			RunE:  func(_ *cobra.Command, args []string) error { return a.fields(chain.TxReceiver, args, "1") }},
		&cobra.Command{Use: "validator KEY POWER", Args: cobra.ExactArgs(2), Short: "Set a validator's power (admin)",
			RunE: func(_ *cobra.Command, args []string) error { return a.fields(chain.TxValidator, args, "h8") }},
		&cobra.Command{Use: "raw KIND FIELDS", Args: cobra.ExactArgs(2), Short: "Any kind; its fields in hexadecimal digits",
			RunE: func(_ *cobra.Command, args []string) error { return a.raw(args[0], args[1]) }})
	return command
}

// fields makes a body of texts: h is 32 bytes, 1 4 8 a number of so many bytes.
func (a *account) fields(kind uint8, args []string, form string) error {
	var body []byte
	for i, arg := range args {
		if form[i] == 'h' {
			raw, err := hex.DecodeString(strings.TrimPrefix(arg, "0x"))
			if err != nil || len(raw) != 32 {
				return fmt.Errorf("%s: not 32 bytes in hexadecimal digits", arg)
			}
			body = append(body, raw...)
			continue
		}
		size := int(form[i] - '0')
		number, err := strconv.ParseUint(arg, 10, 8*size)
		if err != nil {
			return err
		}
		body = append(body, formats.U64(number)[8-size:]...)
	}
	return a.bring(kind, [][]byte{body})
}

func (a *account) raw(kind, text string) error {
	number, err := strconv.ParseUint(kind, 10, 8)
	if err != nil {
		return err
	}
	body, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return err
	}
	return a.bring(uint8(number), [][]byte{body})
}

func (a *account) send(lane, payload string, life int, class uint32, count int) error {
	id, err := hex.DecodeString(strings.TrimPrefix(lane, "0x"))
	if err != nil || len(id) != 32 {
		return fmt.Errorf("%s: a lane id has 32 bytes", lane)
	}
	bodies := make([][]byte, count)
	for i := range bodies {
		text := payload
		if i != 0 {
			text += fmt.Sprint(" ", i)
		}
		salt := formats.Tagged("ledger/salt", id, formats.U64(uint64(time.Now().UnixNano())), formats.U64(uint64(i)))
		body := append(append([]byte{}, id...), formats.FormFull)
		body = binary.BigEndian.AppendUint32(body, class)
		body = append(body, make([]byte, 32)...)
		body = binary.BigEndian.AppendUint64(body, uint64(time.Now().Unix()+int64(life)))
		body = append(body, salt[:]...)
		body = binary.BigEndian.AppendUint32(body, uint32(len(text)))
		bodies[i] = append(append(body, text...), 0)
	}
	return a.bring(chain.TxSend, bodies)
}

func (a *account) begin(ctx context.Context) (err error) {
	text, err := os.ReadFile(a.keyFile)
	if err != nil {
		return fmt.Errorf("--key-file: %w", err)
	}
	secret, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"))
	if err != nil || len(secret) != 32 {
		return fmt.Errorf("%s: not 64 hexadecimal digits", a.keyFile)
	}
	a.secret = secp256k1.PrivKeyFromBytes(secret)
	if a.rpc, err = http.New(a.node, "/websocket"); err != nil {
		return err
	}
	identity, err := a.query(ctx, "/identity", nil)
	if err != nil {
		return err
	}
	a.chain = formats.Hash(identity[32:64])
	me := formats.KeyID(a.secret.PubKey())
	sequence, err := a.query(ctx, "/account", me[:])
	if err != nil {
		return err
	}
	a.sequence = binary.BigEndian.Uint64(sequence)
	return nil
}

func (a *account) query(ctx context.Context, path string, data []byte) ([]byte, error) {
	answer, err := a.rpc.ABCIQuery(ctx, path, data)
	if err != nil {
		return nil, err
	}
	if answer.Response.Code != app.CodeOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Response.Log)
	}
	return answer.Response.Value, nil
}

type result struct {
	Hash   string              `json:"hash"`
	Height int64               `json:"height"`
	Code   uint32              `json:"code"`
	Log    string              `json:"log"`
	Events []map[string]string `json:"events"`
}

// bring signs and broadcasts all, in order, and then waits for each.
func (a *account) bring(kind uint8, bodies [][]byte) error {
	ctx := context.Background()
	if err := a.begin(ctx); err != nil {
		return err
	}
	results := make([]result, len(bodies))
	hashes := make([][]byte, len(bodies))
	for i, body := range bodies {
		tx := chain.SignTx(a.chain, a.secret, kind, a.sequence+uint64(i), body)
		answer, err := a.rpc.BroadcastTxSync(ctx, tx)
		if err != nil {
			return err
		}
		results[i], hashes[i] = result{Hash: answer.Hash.String(), Code: answer.Code, Log: answer.Log}, answer.Hash
		if answer.Code != app.CodeOK {
			results = results[:i+1]
			break
		}
	}
	failed := false
	for i := range results {
		if results[i].Code == app.CodeOK {
			if err := a.wait(ctx, hashes[i], &results[i]); err != nil {
				return err
			}
		}
		failed = failed || results[i].Code != app.CodeOK
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		return err
	}
	if failed {
		return errors.New("not all were taken")
	}
	return nil
}

func (a *account) wait(ctx context.Context, hash []byte, out *result) error {
	end := time.Now().Add(a.patience)
	for {
		answer, err := a.rpc.Tx(ctx, hash, false)
		if err == nil {
			*out = told(answer)
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is in no block after %v: %w", out.Hash, a.patience, err)
		}
		time.Sleep(20 * time.Millisecond) // between questions
	}
}

func told(answer *coretypes.ResultTx) result {
	out := result{Hash: answer.Hash.String(), Height: answer.Height, Code: answer.TxResult.Code, Log: answer.TxResult.Log}
	for _, event := range answer.TxResult.Events {
		fields := map[string]string{"type": event.Type}
		for _, attribute := range event.Attributes {
			fields[attribute.Key] = attribute.Value
		}
		out.Events = append(out.Events, fields)
	}
	return out
}
