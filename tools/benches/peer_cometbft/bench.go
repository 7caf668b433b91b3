// Figures: headers a second, next height and skipping, and ICS-23 proofs of a multistore a second, both steps with decoding.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"syscall"
	"time"
	"unsafe"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtmath "github.com/cometbft/cometbft/libs/math"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/types"
	ics23 "github.com/cosmos/ics23/go"
)

const headers = 8 // of each kind, so that no run sees the same one twice in a row

var sizes = []int{4, 100, 150}

func worldOf(size int, gap int64) []*step {
	m := newMaker(int64(size))
	m.keys, m.byAddr = nil, map[string]crypto.PrivKey{}
	var list []*types.Validator
	for i := 0; i < size; i++ {
		key := ed25519.GenPrivKeyFromSecret([]byte(fmt.Sprintf("bench/%d", i)))
		m.byAddr[string(key.PubKey().Address())] = key
		list = append(list, types.NewValidator(key.PubKey(), 100))
	}
	set := setOf(list)
	start := time.Unix(1700000000, 1).UTC()
	trusted := m.block(2, start, set, set) // tendermint-rs wants a parent
	var steps []*step
	for i := 0; i < headers; i++ {
		at := start.Add(time.Duration(i+1) * time.Second)
		block := m.block(2+gap, at, set, set)
		for k := range block.Commit.Signatures {
			block.Commit.Signatures[k] = types.CommitSig{BlockIDFlag: types.BlockIDFlagCommit, ValidatorAddress: set.Validators[k].Address,
				Timestamp: at.Add(time.Duration(k + 1))}
		}
		m.sign(block)
		steps = append(steps, &step{trusted: trusted, next: set, block: block, chainID: chain, period: 1000 * time.Hour, drift: time.Second,
			now: at.Add(time.Second), level: cmtmath.Fraction{Numerator: 1, Denominator: 3}})
	}
	return steps
}

type storeProof struct {
	Chain string `json:"chain_id"`
	App   string `json:"app_hash"`
	Store string `json:"store"`
	Key   string `json:"key"`
	Value string `json:"value"`
	Iavl  string `json:"iavl_proof"`
	Proof string `json:"store_proof"`
	Root  string `json:"store_root"`
	There bool   `json:"exists"`
}

func readStores(path string) []storeProof {
	var list []storeProof
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &list) != nil {
		panic("unreadable " + path)
	}
	return list
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func inputs(path, stores string) {
	file, err := os.Create(path)
	if err != nil {
		panic(err)
	}
	w := writer{bufio.NewWriter(file)}
	for _, size := range sizes {
		for _, gap := range []int64{1, 50} {
			for _, s := range worldOf(size, gap) {
				s.write(w, fmt.Sprintf("%s/%d", map[int64]string{1: "adjacent", 50: "skipping"}[gap], size), true)
			}
		}
	}
	for _, p := range readStores(stores) {
		w.blob([]byte("store"))
		w.blob([]byte(map[bool]string{true: "existence", false: "absence"}[p.There]))
		for _, b := range [][]byte{unhex(p.App), []byte(p.Store), unhex(p.Key), unhex(p.Iavl), unhex(p.Proof)} {
			w.blob(b)
		}
	}
	w.out.Flush()
	file.Close()
}

func processorTime() float64 {
	var t syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		panic(err)
	}
	return float64(t.Nano()) / 1e9
}

// Of `count` things a second of processor time, by the median of many runs.
func rate(seconds float64, count int, work func()) float64 {
	begin := processorTime()
	end := begin + seconds
	var runs []float64
	for begin < end {
		work()
		now := processorTime()
		runs = append(runs, now-begin)
		begin = now
	}
	sort.Float64s(runs)
	return float64(count) / runs[len(runs)/2]
}

func verifyStore(p *storeProof, app, key, value, iavl, store []byte) {
	a, b := &ics23.CommitmentProof{}, &ics23.CommitmentProof{}
	if b.Unmarshal(store) != nil || a.Unmarshal(iavl) != nil {
		panic("unreadable")
	}
	root := b.GetExist().Value
	ok := ics23.VerifyMembership(ics23.TendermintSpec, app, b, []byte(p.Store), root)
	if p.There {
		ok = ok && ics23.VerifyMembership(ics23.IavlSpec, root, a, key, value)
	} else {
		ok = ok && ics23.VerifyNonMembership(ics23.IavlSpec, root, a, key)
	}
	if !ok {
		panic("refused")
	}
}

func bench(stores, length string) {
	var seconds float64
	fmt.Sscan(length, &seconds)
	made := map[string]float64{}
	for _, size := range sizes {
		for name, gap := range map[string]int64{"adjacent": 1, "skipping": 50} {
			steps := worldOf(size, gap)
			made[fmt.Sprintf("%s/%d", name, size)] = rate(seconds, len(steps), func() {
				for _, s := range steps {
					err := light.Verify(s.trusted.SignedHeader, s.next, s.block.SignedHeader, s.block.ValidatorSet, s.period, s.now,
						s.drift, s.level)
					if err != nil {
						panic(err)
					}
				}
			})
		}
	}
	for name, there := range map[string]bool{"existence": true, "absence": false} {
		var work []func()
		for _, p := range readStores(stores) {
			if p.There == there {
				p, app, key, value, iavl, store := p, unhex(p.App), unhex(p.Key), unhex(p.Value), unhex(p.Iavl), unhex(p.Proof)
				work = append(work, func() { verifyStore(&p, app, key, value, iavl, store) })
			}
		}
		made[name] = rate(seconds, 100*len(work), func() {
			for i := 0; i < 100; i++ {
				for _, one := range work {
					one()
				}
			}
		})
	}
	out, _ := json.Marshal(made)
	fmt.Println(string(out))
}
