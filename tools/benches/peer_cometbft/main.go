// CometBFT's own light client and ICS-23 in Go, for comparison.
//
//	peer-cometbft steps FILE COUNT SEED          light client steps with verdicts
//	peer-cometbft votes FILE COUNT SEED          evidence of double votes with verdicts
//	peer-cometbft proofs FILE COUNT SEED FOLDER  ICS-23 proofs with verdicts, made of those in FOLDER
//	peer-cometbft inputs FILE STORES             what is measured: headers, and the store proofs in STORES
//	peer-cometbft bench STORES SECONDS           how many of them a second
package main

import (
	"fmt"
	"os"
)

func main() {
	arguments := append(os.Args[1:], "", "", "", "", "")
	switch arguments[0] {
	case "steps":
		steps(arguments[1], arguments[2], arguments[3])
	case "votes":
		votes(arguments[1], arguments[2], arguments[3])
	case "proofs":
		proofs(arguments[1], arguments[2], arguments[3], arguments[4])
	case "inputs":
		inputs(arguments[1], arguments[2])
	case "bench":
		bench(arguments[1], arguments[2])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer-cometbft steps|votes|proofs|inputs|bench ...")
		os.Exit(2)
	}
}
