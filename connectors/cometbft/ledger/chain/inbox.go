package chain

import (
	"isthmus/ledger/formats"
)

// LaneKey names a lane that ends here.
type LaneKey struct {
	SourceChain, Outbox, Sender, Receiver Hash
	Mode                                  uint8
	Generation                            uint32
}

func (c *Call) inboxLane(key *LaneKey, generation uint32) Hash {
	id := ReadIdentity(c)
	lane := formats.Lane{SourceChain: key.SourceChain, Outbox: key.Outbox, Sender: key.Sender, DestinationChain: id.Chain,
		Inbox: Inbox, Receiver: key.Receiver, Mode: key.Mode, Generation: generation}
	return lane.ID(id.Network)
}

// work is a call's working copy of its lane.
type work struct {
	*LaneKey
	lane              Hash
	log, outcomes     Hash
	accepted, decided uint64
	r, q              Hash // running hashes of the accepted messages and of the outcomes
}

func (w *work) ordered() bool { return w.Mode&formats.ModeOrdered != 0 }

func (c *Call) work(key *LaneKey) (w work, err error) {
	if key.Mode > formats.ModeOrdered|formats.ModeRetry || key.Generation == 0 {
		return w, refuse("LaneInvalid")
	}
	lane := c.inboxLane(key, key.Generation)
	w = work{LaneKey: key, lane: lane, log: formats.LogID(lane, formats.LogMessage),
		outcomes: formats.LogID(lane, formats.LogOutcome)}
	w.accepted, w.r = c.head(Inbox, w.log, w.log)
	w.decided, w.q = c.head(Inbox, w.outcomes, w.outcomes)
	return w, nil
}

func (c *Call) pendingKey(w *work, sequence uint64) []byte {
	return keyOf(prefixPending, w.lane[:], formats.U64(sequence))
}

// item is a message of a delivery: a whole record, or its digest alone.
type item struct {
	formats.Record
	whole  bool
	digest Hash
}

func (w *work) read(sequence uint64, in []byte) (out item, err error) {
	if len(in) == 32 {
		return item{digest: Hash(in)}, nil
	}
	r, err := formats.ReadRecord(in)
	if err != nil {
		return out, refuse("RecordInvalid", sequence)
	}
	return item{r, true, formats.Digest(w.lane, sequence, r.Fields)}, nil
}

// Deliver accepts messages up to (count, running) and executes what can be executed. `items`, 1..256, are the messages up to the
// head, each a whole record or the 32 bytes of its digest; those accepted before are passed over. A head accepted before: nothing
// happens.
func (c *Call) Deliver(key *LaneKey, count uint64, running Hash, paper *Certificate, items [][]byte) error {
	w, err := c.work(key)
	if err != nil || count <= w.accepted {
		return err
	}
	given := uint64(len(items))
	if given == 0 || given > maxBatch || given > count {
		return refuse("ItemsCount", given)
	}
	from, first := count-given+1, w.accepted+1
	if from > first {
		return refuse("ItemsGap", first, from)
	}
	var messages []item
	r := w.r
	for i, in := range items[first-from:] {
		message, err := w.read(first+uint64(i), in)
		if err != nil {
			return err
		}
		messages = append(messages, message)
		r = formats.Run(r, message.digest)
	}
	if err := c.accept(&w, count, r, running); err != nil {
		return err
	}
	if err := c.verify(formats.HeadLeaf(w.log, count, r), paper); err != nil {
		return err
	}
	for i := range messages {
		if err := c.executeNew(&w, first+uint64(i), &messages[i]); err != nil {
			return err
		}
	}
	return nil
}

// accept takes the messages up to `to`, whose digests led to `r` where `running` was said. The caller verifies the certificate.
// A generation begins here only when the one before has ended here.
func (c *Call) accept(w *work, to uint64, r, running Hash) error {
	end := c.closing(Inbox, w.lane)
	if end.nextGeneration != 0 && to > end.last {
		return refuse("BeyondClose", end.last)
	}
	if r != running {
		return refuse("HeadDiffers", r, running)
	}
	if end.nextGeneration != 0 && to == end.last && r != end.running {
		return refuse("HeadDiffers", r, end.running)
	}
	if w.accepted == 0 && w.Generation > 1 {
		if c.closing(Inbox, c.inboxLane(w.LaneKey, w.Generation-1)).nextGeneration == 0 {
			return refuse("PreviousGenerationOpen")
		}
	}
	c.emit("accepted", "lane", w.lane, "from", w.accepted+1, "to", to, "running", r)
	c.setHead(Inbox, w.log, to, r)
	w.accepted, w.r = to, r
	return nil
}

// executeNew decides a message that was just accepted, or keeps its digest.
func (c *Call) executeNew(w *work, sequence uint64, m *item) (err error) {
	var status uint8
	var reason uint32
	if m.whole && (!w.ordered() || sequence == w.decided+1) {
		if status, reason, err = c.decide(w, sequence, &m.Record); err != nil {
			return err
		}
	}
	if status != 0 {
		c.enter(w, sequence, m.digest, status, reason)
		return nil
	}
	c.Set(c.pendingKey(w, sequence), m.digest[:])
	c.emit("pending", "lane", w.lane, "sequence", sequence, "digest", m.digest, "reason", reason)
	return nil
}

// decide is what becomes of a message now: its final status, or 0 and why it waits (0: its payload is missing).
func (c *Call) decide(w *work, sequence uint64, r *formats.Record) (status uint8, reason uint32, err error) {
	if c.Time > r.Deadline {
		return formats.StatusExpired, formats.ReasonDeadline, nil
	}
	if r.Suites&formats.Suite == 0 || r.Form > formats.FormHashOnly || r.Form != formats.FormHashOnly && !r.HasPayload {
		return 0, 0, nil
	}
	if r.HasPayload && formats.Commitment(r.Salt, r.Payload) != r.Commitment {
		return 0, 0, refuse("PayloadDiffers", sequence)
	}
	if forbidden(w.Receiver) {
		return formats.StatusFailed, formats.ReasonForbidden, nil
	}
	if reason = c.receive(w, sequence, r); reason == formats.ReasonNone {
		return formats.StatusDone, reason, nil
	}
	if w.Mode&formats.ModeRetry != 0 {
		return 0, reason, nil
	}
	return formats.StatusFailed, reason, nil
}

// forbidden receivers are the parts of Isthmus itself, so that no message can address who signs.
func forbidden(receiver Hash) bool {
	return receiver == Inbox || receiver == Outbox || receiver == Registry
}

func (c *Call) enter(w *work, sequence uint64, digest Hash, status uint8, reason uint32) {
	w.decided++
	w.q = formats.Run(w.q, formats.Entry(formats.Outcome(sequence, digest, status, reason)))
	c.setHead(Inbox, w.outcomes, w.decided, w.q)
	c.emit("outcome", "lane", w.lane, "index", w.decided, "sequence", sequence, "digest", digest, "status", status, "reason",
		reason, "running", w.q)
}

// checkTurn refuses a message that may not be decided now, by its lane's order or its end.
func (c *Call) checkTurn(w *work, sequence uint64) error {
	if w.ordered() && sequence != w.decided+1 {
		return refuse("OutOfOrder", w.decided+1)
	}
	return c.checkClose(w, sequence)
}

func (c *Call) checkClose(w *work, sequence uint64) error {
	if end := c.closing(Inbox, w.lane); end.nextGeneration != 0 && sequence > end.last {
		return refuse("BeyondClose", end.last)
	}
	return nil
}

// Execute executes pending messages: `records`, 1..256, are those of sequence, sequence + 1, …; one that is decided already, or
// whose record is empty, is passed over. An ordered lane stops where a message stays pending. Refused if there is nothing to try.
func (c *Call) Execute(key *LaneKey, sequence uint64, records [][]byte) error {
	if len(records) == 0 || len(records) > maxBatch {
		return refuse("ItemsCount", len(records))
	}
	w, err := c.work(key)
	if err != nil {
		return err
	}
	tried := false
	for i, in := range records {
		n := sequence + uint64(i)
		digest := c.hash(c.pendingKey(&w, n))
		if digest.IsZero() || len(in) == 0 {
			continue
		}
		if tried && w.ordered() && n != w.decided+1 {
			break
		}
		tried = true
		if err := c.executePending(&w, n, digest, in); err != nil {
			return err
		}
	}
	if !tried {
		return refuse("NotPending", sequence)
	}
	return nil
}

func (c *Call) executePending(w *work, n uint64, digest Hash, in []byte) error {
	r, err := c.pendingRecord(w, n, digest, in)
	if err != nil {
		return err
	}
	status, reason, err := c.decide(w, n, &r)
	switch {
	case err != nil:
		return err
	case status != 0:
		c.Delete(c.pendingKey(w, n))
		c.enter(w, n, digest, status, reason)
	case reason != 0:
		c.emit("pending", "lane", w.lane, "sequence", n, "digest", digest, "reason", reason)
	default:
		return refuse("PayloadMissing", n)
	}
	return nil
}

// pendingRecord reads the record of a pending message whose turn it is.
func (c *Call) pendingRecord(w *work, n uint64, digest Hash, in []byte) (formats.Record, error) {
	if err := c.checkTurn(w, n); err != nil {
		return formats.Record{}, err
	}
	r, err := formats.ReadRecord(in)
	if err != nil {
		return r, refuse("RecordInvalid", n)
	}
	if formats.Digest(w.lane, n, r.Fields) != digest {
		return r, refuse("DigestDiffers", n)
	}
	return r, nil
}

// Expire enters `expired` for a pending message whose deadline has passed. `record` needs no payload.
func (c *Call) Expire(key *LaneKey, sequence uint64, record []byte) error {
	w, err := c.work(key)
	if err != nil {
		return err
	}
	digest := c.hash(c.pendingKey(&w, sequence))
	if digest.IsZero() {
		return refuse("NotPending", sequence)
	}
	r, err := c.pendingRecord(&w, sequence, digest, record)
	if err != nil {
		return err
	}
	if c.Time <= r.Deadline {
		return refuse("DeadlineNotPassed", r.Deadline)
	}
	c.Delete(c.pendingKey(&w, sequence))
	c.enter(&w, sequence, digest, formats.StatusExpired, formats.ReasonDeadline)
	return nil
}

// Rule enters a border's ruling for the messages from..to (at most 256) that are undecided. `digests`: of the messages up to `to`
// that are not accepted yet (or more of them, from below); they become accepted, as the ruling binds them by R_to.
func (c *Call) Rule(key *LaneKey, ruling *formats.Ruling, paper *Certificate, digests []Hash) error {
	w, err := c.work(key)
	if err != nil {
		return err
	}
	if ruling.Status != formats.StatusWithheld && ruling.Status != formats.StatusStruck || ruling.From == 0 ||
		ruling.To < ruling.From || ruling.To-ruling.From >= maxBatch {
		return refuse("RulingInvalid")
	}
	first := w.accepted + 1
	if ruling.From > first {
		return refuse("ItemsGap", first, ruling.From)
	}
	fresh, err := freshDigests(first, ruling.To, digests)
	if err != nil {
		return err
	}
	if ruling.To >= first {
		r := w.r
		for _, digest := range fresh {
			r = formats.Run(r, digest)
		}
		err = c.accept(&w, ruling.To, r, ruling.Running)
	} else {
		err = c.checkClose(&w, ruling.To)
	}
	if err != nil {
		return err
	}
	if err := c.verify(ruling.Leaf(w.log), paper); err != nil {
		return err
	}
	c.emit("ruled", "lane", w.lane, "from", ruling.From, "to", ruling.To, "status", ruling.Status, "rule", ruling.Rule,
		"policy_version", ruling.PolicyVersion)
	for n := ruling.From; n <= ruling.To; n++ {
		digest := c.hash(c.pendingKey(&w, n))
		if n >= first {
			digest = fresh[n-first]
		}
		if digest.IsZero() {
			continue // decided before
		}
		if w.ordered() && n != w.decided+1 {
			return refuse("OutOfOrder", w.decided+1)
		}
		if n < first {
			c.Delete(c.pendingKey(&w, n))
		}
		c.enter(&w, n, digest, ruling.Status, ruling.Rule)
	}
	return nil
}

func freshDigests(first, to uint64, digests []Hash) ([]Hash, error) {
	if to < first {
		return nil, nil
	}
	given := uint64(len(digests))
	if given == 0 || given > maxBatch || given > to {
		return nil, refuse("ItemsCount", given)
	}
	from := to - given + 1
	if from > first {
		return nil, refuse("ItemsGap", first, from)
	}
	return digests[first-from:], nil
}

// CloseInbox ends the lane at message `last`: nothing beyond it is accepted or decided any more.
func (c *Call) CloseInbox(key *LaneKey, last uint64, running Hash, nextGeneration uint32, paper *Certificate) error {
	w, err := c.work(key)
	if err != nil {
		return err
	}
	if c.closing(Inbox, w.lane).nextGeneration != 0 {
		return refuse("LaneClosed")
	}
	if nextGeneration != key.Generation+1 {
		return refuse("GenerationNotNext", nextGeneration)
	}
	known := w.r
	if last == 0 {
		known = w.log
	}
	if (last == 0 || last == w.accepted) && known != running {
		return refuse("HeadDiffers", known, running)
	}
	if err := c.verifyClose(formats.CloseLeaf(w.lane, last, running, nextGeneration), paper); err != nil {
		return err
	}
	c.setClosing(Inbox, w.lane, closing{last, running, nextGeneration})
	c.emit("closed", "lane", w.lane, "last", last, "running", running, "next_generation", nextGeneration)
	return nil
}
