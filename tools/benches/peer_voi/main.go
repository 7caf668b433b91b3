// curve25519-voi as cometbft v0.38 calls it (ZIP-215, keys cached), on the dump of bench-ed25519.
//
//	peer-voi FILE SECONDS   prints signatures a second as one JSON line
//	peer-voi FILE check     compares every verdict, of one signature and in batches of all sizes
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/cache"
)

const (
	votes     = 150
	voteBytes = 118
	caseBytes = 32 + 64 + voteBytes + 1
)

type vote struct {
	key                []byte
	signature, message []byte
	valid              bool
}

var (
	options  = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}
	verifier = cache.NewVerifier(cache.NewLRUCache(4096))
)

func single(v vote) bool {
	return verifier.VerifyWithOptions(v.key, v.message, v.signature, options)
}

func batch(some []vote) (bool, []bool) {
	b := ed25519.NewBatchVerifier()
	for _, v := range some {
		verifier.AddWithOptions(b, v.key, v.message, v.signature, options)
	}
	return b.Verify(rand.Reader)
}

func check(all []vote) {
	wrong, valid := 0, 0
	for i, v := range all {
		if single(v) != v.valid {
			fmt.Fprintf(os.Stderr, "case %d: ours is %v, alone\n", i, v.valid)
			wrong++
		}
		if v.valid {
			valid++
		}
	}
	for from, size := 0, 1; from < len(all); size = size%200 + 1 {
		to := from + size
		if to > len(all) {
			to = len(all)
		}
		_, each := batch(all[from:to])
		for i, v := range all[from:to] {
			if each[i] != v.valid {
				fmt.Fprintf(os.Stderr, "case %d: ours is %v, in a batch\n", from+i, v.valid)
				wrong++
			}
		}
		from = to
	}
	fmt.Printf("{\"cases\": %d, \"valid\": %d, \"wrong\": %d}\n", len(all), valid, wrong)
}

// Of this process, in seconds (CLOCK_PROCESS_CPUTIME_ID).
func processorTime() float64 {
	var t syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		panic(err)
	}
	return float64(t.Nano()) / 1e9
}

// Signatures a second of processor time, by the median of many runs.
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

func main() {
	file, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var all []vote
	for ; len(file) >= caseBytes; file = file[caseBytes:] {
		all = append(all, vote{file[:32], file[32:96], file[96 : 96+voteBytes], file[caseBytes-1] == 1})
	}
	if os.Args[2] == "check" {
		check(all)
		return
	}
	seconds, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		panic(err)
	}
	for _, v := range all[:votes] {
		single(v)
	}
	fmt.Printf("{\"1\": %.0f", rate(seconds/5, 10, func() {
		for _, v := range all[:10] {
			if !single(v) {
				panic("a good signature is refused")
			}
		}
	}))
	for _, size := range []int{4, 67, 100, 150} {
		fmt.Printf(", \"%d\": %.0f", size, rate(seconds/5, size, func() {
			if ok, _ := batch(all[:size]); !ok {
				panic("a good batch is refused")
			}
		}))
	}
	fmt.Println("}")
}
