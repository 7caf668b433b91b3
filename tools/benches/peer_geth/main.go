// go-ethereum on the inputs of bench-mpt: peer-geth FILE SECONDS prints one JSON line.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/trie"
)

func list(in *[]byte) [][]byte {
	number := func() int {
		n := binary.BigEndian.Uint32(*in)
		*in = (*in)[4:]
		return int(n)
	}
	out := make([][]byte, number())
	for i := range out {
		n := number()
		out[i] = (*in)[:n]
		*in = (*in)[n:]
	}
	return out
}

type encoded [][]byte

func (e encoded) Len() int                           { return len(e) }
func (e encoded) EncodeIndex(i int, w *bytes.Buffer) { w.Write(e[i]) }

// The median over short batches, in microseconds.
func median(seconds float64, repeats int, work func()) float64 {
	end := time.Now().Add(time.Duration(seconds * 1e9))
	var batches []float64
	for time.Now().Before(end) {
		begin := time.Now()
		for i := 0; i < repeats; i++ {
			work()
		}
		batches = append(batches, float64(time.Since(begin).Nanoseconds())/1e3/float64(repeats))
	}
	sort.Float64s(batches)
	return batches[len(batches)/2]
}

func main() {
	file, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	seconds, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		panic(err)
	}
	fixed, receipts, nodes := list(&file), list(&file), list(&file)
	hasher := trie.NewStackTrie(nil)
	receiptsUs := median(seconds/2, 1, func() {
		if types.DeriveSha(encoded(receipts), hasher) != common.BytesToHash(fixed[0]) {
			panic("the receipts root is wrong")
		}
	})
	accountUs := median(seconds/2, 20, func() {
		proof := memorydb.New()
		for _, node := range nodes {
			proof.Put(crypto.Keccak256(node), node)
		}
		value, err := trie.VerifyProof(common.BytesToHash(fixed[1]), fixed[2], proof)
		if err != nil || !bytes.Equal(value, fixed[3]) {
			panic("the account is not proven")
		}
	})
	fmt.Printf("{\"receipts_us\": %.2f, \"account_us\": %.3f}\n", receiptsUs, accountUs)
}
