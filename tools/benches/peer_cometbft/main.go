// CometBFT's own light client and ICS-23 in Go, for comparison.
//
//	peer-cometbft steps FILE COUNT SEED          light client steps with verdicts
//	peer-cometbft proofs FILE COUNT SEED FOLDER  ICS-23 proofs with verdicts, made of those in FOLDER
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
	case "proofs":
		proofs(arguments[1], arguments[2], arguments[3], arguments[4])
	default:
		fmt.Fprintln(os.Stderr, "usage: peer-cometbft steps|proofs FILE COUNT SEED [FOLDER]")
		os.Exit(2)
	}
}
