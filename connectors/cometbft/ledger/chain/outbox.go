package chain

import (
	"encoding/binary"

	"isthmus/ledger/formats"
)

// Bounds of a call, as in Outbox.sol.
const (
	maxPayload = 16384
	maxBatch   = 256
	maxAdvance = 64 // words of 256 sequences by which the settled mark moves in one call
)

// Settings of a lane that begins here.
type Settings struct {
	DestinationChain, Inbox, Receiver, Sender Hash
	Mode, Suites                              uint8
	MaxLifetime, Generation                   uint32
}

const settingsSize = 4*32 + 2 + 8

func (c *Call) settings(lane Hash) (s Settings, ok bool) {
	v := c.Get(keyOf(prefixSettings, lane[:]))
	if v == nil {
		return s, false
	}
	return Settings{Hash(v[:32]), Hash(v[32:64]), Hash(v[64:96]), Hash(v[96:128]), v[128], v[129],
		binary.BigEndian.Uint32(v[130:]), binary.BigEndian.Uint32(v[134:])}, true
}

// Open opens the caller's lane, generation 1. `suites` must hold bit 0x01; `maxLifetime`: the longest life of a message, seconds.
func (c *Call) Open(destinationChain, inbox, receiver Hash, mode, suites uint8, maxLifetime uint32) (Hash, error) {
	switch {
	case mode > formats.ModeOrdered|formats.ModeRetry:
		return Hash{}, refuse("ModeInvalid", mode)
	case suites > 0x0f || suites&formats.Suite == 0:
		return Hash{}, refuse("SuitesInvalid", suites)
	case maxLifetime == 0:
		return Hash{}, refuse("LifetimeInvalid", maxLifetime)
	case destinationChain.IsZero() || inbox.IsZero() || receiver.IsZero():
		return Hash{}, refuse("DestinationInvalid")
	}
	return c.open(Settings{destinationChain, inbox, receiver, c.Sender, mode, suites, maxLifetime, 1})
}

func (c *Call) open(s Settings) (Hash, error) {
	id := ReadIdentity(c)
	key := formats.Lane{SourceChain: id.Chain, Outbox: Outbox, Sender: s.Sender, DestinationChain: s.DestinationChain,
		Inbox: s.Inbox, Receiver: s.Receiver, Mode: s.Mode, Generation: s.Generation}
	lane := key.ID(id.Network)
	if _, exists := c.settings(lane); exists {
		return lane, refuse("LaneExists", lane)
	}
	value := make([]byte, 0, settingsSize)
	for _, part := range []Hash{s.DestinationChain, s.Inbox, s.Receiver, s.Sender} {
		value = append(value, part[:]...)
	}
	value = append(value, s.Mode, s.Suites)
	value = binary.BigEndian.AppendUint32(value, s.MaxLifetime)
	c.Set(keyOf(prefixSettings, lane[:]), binary.BigEndian.AppendUint32(value, s.Generation))
	c.emit("opened", "lane", lane, "sender", s.Sender, "destination_chain", s.DestinationChain, "inbox", s.Inbox,
		"receiver", s.Receiver, "mode", s.Mode, "generation", s.Generation, "suites", s.Suites, "max_lifetime", s.MaxLifetime)
	return lane, nil
}

// Message is what a sender gives.
type Message struct {
	Lane        Hash
	Form        uint8
	Class       uint32
	Value       [32]byte
	Deadline    uint64
	Salt        Hash
	Payload     []byte
	Commitments []Hash // of the lane's other suites, lowest bit first; for a hash-only message of all of them
}

// Send appends a message with its payload (forms full and sealed); the Keccak commitment is computed here.
func (c *Call) Send(m *Message) error {
	if m.Form > formats.FormSealed {
		return refuse("FormInvalid", m.Form)
	}
	if len(m.Payload) > maxPayload {
		return refuse("PayloadTooLong", len(m.Payload))
	}
	commitments := append([]Hash{formats.Commitment(m.Salt, m.Payload)}, m.Commitments...)
	return c.append(m, commitments, true)
}

// SendCommitment appends a message of which only commitments are known here (form hash-only).
func (c *Call) SendCommitment(m *Message) error {
	if m.Form != formats.FormHashOnly {
		return refuse("FormInvalid", m.Form)
	}
	return c.append(m, m.Commitments, false)
}

func (c *Call) append(m *Message, commitments []Hash, carried bool) error {
	settings, ok := c.settings(m.Lane)
	if !ok || settings.Sender != c.Sender {
		return refuse("NotSender", c.Sender)
	}
	if c.closing(Outbox, m.Lane).nextGeneration != 0 {
		return refuse("LaneClosed", m.Lane)
	}
	if needed := suiteCount(settings.Suites); len(commitments) != needed {
		return refuse("CommitmentsCount", len(commitments), needed)
	}
	state := c.numbers(keyOf(prefixOutbox, m.Lane[:]), 2)
	time := max(c.Time, state[0]) // the log's own rule holds even where a chain's clock steps back
	latest := time + uint64(settings.MaxLifetime)
	if m.Deadline <= time || m.Deadline > latest {
		return refuse("DeadlineInvalid", m.Deadline, time, latest)
	}
	record := formats.Record{Time: time, Deadline: m.Deadline, Form: m.Form, Class: m.Class, Value: m.Value,
		Suites: settings.Suites, HasPayload: carried, Salt: m.Salt, Payload: m.Payload}
	whole := record.Bytes(commitments)
	log := formats.LogID(m.Lane, formats.LogMessage)
	count, running := c.head(Outbox, log, log)
	sequence := count + 1
	running = formats.Run(running, formats.Digest(m.Lane, sequence, record.Fields))
	c.setHead(Outbox, log, sequence, running)
	c.setNumbers(keyOf(prefixOutbox, m.Lane[:]), time, state[1])
	c.emit("message", "lane", m.Lane, "sequence", sequence, "running", running, "record", whole)
	return nil
}

// Settle takes outcome entries up to `count`, whose head the certificate covers. `records`: outcome records, 1..256, the last one
// being entry `count`; those already taken are passed over. All taken already: nothing happens.
func (c *Call) Settle(lane Hash, count uint64, running Hash, paper *Certificate, records []byte) error {
	if _, ok := c.settings(lane); !ok {
		return refuse("LaneUnknown", lane)
	}
	log := formats.LogID(lane, formats.LogSettlement)
	taken, q := c.head(Outbox, log, formats.LogID(lane, formats.LogOutcome))
	if count <= taken {
		c.advance(lane)
		return nil
	}
	given := uint64(len(records) / formats.OutcomeRecord)
	if len(records)%formats.OutcomeRecord != 0 || given == 0 || given > maxBatch || given > count {
		return refuse("RecordsLength", len(records))
	}
	from := count - given + 1
	if from > taken+1 {
		return refuse("EntriesGap", taken+1, from)
	}
	records = records[(taken+1-from)*formats.OutcomeRecord:]
	q, err := c.take(lane, q, records)
	if err != nil {
		return err
	}
	if q != running {
		return refuse("HeadDiffers", q, running)
	}
	leaf := formats.HeadLeaf(formats.LogID(lane, formats.LogOutcome), count, running)
	if err := c.verify(leaf, paper); err != nil {
		return err
	}
	c.setHead(Outbox, log, count, q)
	mark := c.advance(lane)
	c.emit("settled", "lane", lane, "from", taken+1, "to", count, "mark", mark, "running", q, "records", records)
	return nil
}

// take enters the outcomes of the records and returns where they lead.
func (c *Call) take(lane, q Hash, records []byte) (Hash, error) {
	end := c.closing(Outbox, lane)
	last, _ := c.head(Outbox, formats.LogID(lane, formats.LogMessage), Hash{})
	if end.nextGeneration != 0 {
		last = end.last
	}
	for ; len(records) != 0; records = records[formats.OutcomeRecord:] {
		record := records[:formats.OutcomeRecord]
		q = formats.Run(q, formats.Entry(record))
		sequence, digest, status := binary.BigEndian.Uint64(record), Hash(record[8:40]), record[40]
		if status == 0 || status > formats.StatusStruck {
			return q, refuse("EntryStatusInvalid", status)
		}
		if sequence == 0 || sequence > last && end.nextGeneration == 0 {
			return q, refuse("EntrySequenceUnknown", sequence)
		}
		if sequence > last {
			continue // void: it lies beyond the closing record
		}
		word, bit := c.settledWord(lane, sequence)
		if word[bit/8]&(1<<(bit%8)) != 0 || c.Get(keyOf(prefixOutcome, digest[:])) != nil {
			return q, refuse("EntryRepeated", sequence)
		}
		word[bit/8] |= 1 << (bit % 8)
		c.Set(keyOf(prefixSettled, lane[:], formats.U64((sequence-1)>>8)), word[:])
		c.Set(keyOf(prefixOutcome, digest[:]), append(formats.U64(sequence), record[40:]...))
	}
	return q, nil
}

func (c *Call) settledWord(lane Hash, sequence uint64) (word [32]byte, bit uint64) {
	copy(word[:], c.Get(keyOf(prefixSettled, lane[:], formats.U64((sequence-1)>>8))))
	return word, (sequence - 1) & 255
}

// advance moves the settled mark over the sequences that have outcomes, a bounded way; the next call goes on.
func (c *Call) advance(lane Hash) uint64 {
	state := c.numbers(keyOf(prefixOutbox, lane[:]), 2)
	mark := state[1]
	for i := 0; i < maxAdvance; i++ {
		word, bit := c.settledWord(lane, mark+1)
		n := bit
		for n < 256 && word[n/8]&(1<<(n%8)) != 0 {
			n++
		}
		if mark += n - bit; n < 256 {
			break
		}
	}
	if mark != state[1] {
		c.setNumbers(keyOf(prefixOutbox, lane[:]), state[0], mark)
	}
	return mark
}

// OutcomeOf is the outcome of a message by its sequence and digest: status (0: none yet; 6: it lies beyond the closing record), reason.
func (c *Call) OutcomeOf(lane Hash, sequence uint64, digest Hash) (status uint8, reason uint32) {
	v := c.Get(keyOf(prefixOutcome, digest[:]))
	if v != nil && binary.BigEndian.Uint64(v) == sequence {
		return v[8], binary.BigEndian.Uint32(v[9:])
	}
	if end := c.closing(Outbox, lane); end.nextGeneration != 0 && sequence > end.last {
		return formats.StatusVoid, formats.ReasonNone
	}
	return 0, 0
}

// CloseOutbox ends the lane at message `last`: later ones are void; the next generation opens with the same settings.
func (c *Call) CloseOutbox(lane Hash, last uint64, running Hash, nextGeneration uint32, paper *Certificate) error {
	settings, ok := c.settings(lane)
	if !ok {
		return refuse("LaneUnknown", lane)
	}
	if c.closing(Outbox, lane).nextGeneration != 0 {
		return refuse("LaneClosed", lane)
	}
	if nextGeneration != settings.Generation+1 {
		return refuse("GenerationNotNext", nextGeneration)
	}
	log := formats.LogID(lane, formats.LogMessage)
	count, known := c.head(Outbox, log, log)
	if last > count {
		return refuse("LastBeyondCount", last, count)
	}
	if last == 0 {
		known = log
	}
	if (last == 0 || last == count) && known != running {
		return refuse("HeadDiffers", known, running)
	}
	if err := c.verifyClose(formats.CloseLeaf(lane, last, running, nextGeneration), paper); err != nil {
		return err
	}
	c.setClosing(Outbox, lane, closing{last, running, nextGeneration})
	settings.Generation = nextGeneration
	next, err := c.open(settings)
	if err != nil {
		return err
	}
	c.emit("closed", "lane", lane, "last", last, "running", running, "next_generation", nextGeneration, "next_lane", next)
	return nil
}
