package chain

import "isthmus/ledger/formats"

// Behaviours of a receiver. This ledger runs no programs: a receiver is an account that says what becomes of its messages.
const (
	ReceiverNone   = 0 // as an address without code
	ReceiverRecord = 1 // keeps the payload under its commitment
	ReceiverRefuse = 2 // every message fails
)

// SetReceiver says what becomes of messages to the caller.
func (c *Call) SetReceiver(behaviour uint8) error {
	if behaviour > ReceiverRefuse {
		return refuse("BehaviourInvalid", behaviour)
	}
	c.Set(keyOf(prefixReceiver, c.Sender[:]), []byte{behaviour})
	c.emit("receiver", "account", c.Sender, "behaviour", behaviour)
	return nil
}

// receive gives a message to its receiver; the reason of a failure, or 0.
func (c *Call) receive(w *work, sequence uint64, r *formats.Record) uint32 {
	behaviour := c.Get(keyOf(prefixReceiver, w.Receiver[:]))
	if behaviour == nil || behaviour[0] == ReceiverNone {
		return formats.ReasonNoCode
	}
	if behaviour[0] == ReceiverRefuse {
		return formats.ReasonReverted
	}
	value := append(append([]byte{}, w.lane[:]...), formats.U64(sequence)...)
	c.Set(keyOf(prefixReceived, w.Receiver[:], r.Commitment[:]), append(append(value, r.Form), r.Payload...))
	c.emit("received", "lane", w.lane, "sequence", sequence, "receiver", w.Receiver, "commitment", r.Commitment)
	return formats.ReasonNone
}
