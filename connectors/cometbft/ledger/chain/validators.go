package chain

import (
	"bytes"
	"sort"
	"strings"

	"isthmus/ledger/formats"
)

// The ledger keeps its own copy of the validators' powers, as consensus stops for good at a change that makes no sense.
const (
	prefixValidator = "validator/" // ‖ ed25519 key → u64 power
	keyValidators   = "validators" // u64: how many
	maxPower        = 1 << 40
)

func validatorKey(key Hash) []byte { return keyOf(prefixValidator, key[:]) }

// ValidatorPower is 0 for who is none.
func ValidatorPower(s Store, key Hash) uint64 { return ReadNumber(s, validatorKey(key)) }

// BeginValidators writes the validators of the genesis document.
func BeginValidators(s Store, powers map[Hash]uint64) {
	for key, power := range powers {
		WriteNumber(s, validatorKey(key), power)
	}
	WriteNumber(s, []byte(keyValidators), uint64(len(powers)))
}

// SetValidator changes a validator's power; 0 removes it. Only the admin may.
func (c *Call) SetValidator(key Hash, power uint64) error {
	before, count := ValidatorPower(c, key), ReadNumber(c, []byte(keyValidators))
	switch {
	case !c.IsAdmin():
		return refuse("NotAdmin", c.Sender)
	case power > maxPower:
		return refuse("PowerTooGreat", power)
	case power == 0 && before == 0:
		return refuse("ValidatorUnknown", key)
	case power == 0 && count == 1:
		return refuse("LastValidator", key)
	}
	switch {
	case power == 0:
		c.Delete(validatorKey(key))
		count--
	case before == 0:
		count++
	}
	if power != 0 {
		c.Set(validatorKey(key), formats.U64(power))
	}
	c.Set([]byte(keyValidators), formats.U64(count))
	c.emit("validator", "key", key, "power", power)
	return nil
}

// TouchedValidators are the validators that an overlay's changes are about, in the order of their keys.
func TouchedValidators(o *Overlay) (keys []Hash) {
	for key := range o.changes {
		if strings.HasPrefix(key, prefixValidator) {
			keys = append(keys, Hash([]byte(key[len(prefixValidator):])))
		}
	}
	sort.Slice(keys, func(i, j int) bool { return bytes.Compare(keys[i][:], keys[j][:]) < 0 })
	return keys
}
