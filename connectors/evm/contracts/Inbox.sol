// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Formats} from "./Formats.sol";
import {Certificate, IRegistry} from "./Registry.sol";

/// What a lane's receiver implements. Only the inbox may be believed: check msg.sender, sourceChain and sender.
interface IReceiver {
    /// A message with its payload; `form`: 0 full, 1 sealed (the payload is a ciphertext).
    function onMessage(
        bytes32 lane,
        bytes32 sourceChain,
        bytes32 sender,
        uint64 sequence,
        uint8 form,
        uint32 class,
        uint256 value,
        bytes calldata payload
    ) external;

    /// A hash-only message; `commitment`: its Keccak commitment.
    function onCommitment(
        bytes32 lane,
        bytes32 sourceChain,
        bytes32 sender,
        uint64 sequence,
        uint32 class,
        uint256 value,
        bytes32 commitment
    ) external;
}

/// Where lanes end: accepts certified heads, executes each message at most once, and keeps the log of outcomes.
///
/// A sequence up to `accepted` whose digest is kept in `pending` is undecided; one whose digest is not kept is decided, for good.
/// An ordered lane decides in sequence, so its next message is always number `decided` + 1.
///
/// Storage that proofs read (mapping slot of key k: keccak256(k ‖ u256 slot)):
///   slot 0: log id of the message log (kind 1) → R of the newest accepted message
///   slot 1: log id of the outcome log (kind 2) → Q_m
/// An absent value stands for the log's beginning: its log id.
contract Inbox {
    uint256 public constant MAX_BATCH = 256;
    uint256 private constant CALL_RESERVE = 10_000; // gas kept for what surrounds a call

    struct Lane {
        bytes32 sourceChain;
        bytes32 outbox;
        bytes32 sender;
        address receiver;
        uint8 mode;
        uint32 generation;
    }

    struct Head {
        uint64 count;
        bytes32 running;
    }

    struct Ruling {
        uint64 from;
        uint64 to;
        bytes32 running; // R_to
        uint8 status; // 4 withheld, 5 struck
        uint32 rule;
        uint64 policyVersion;
    }

    struct Closing {
        uint64 last;
        bytes32 running; // R_last
        uint32 nextGeneration; // 0 in storage: the lane is open
    }

    struct State {
        uint64 accepted; // messages 1..accepted are accepted
        uint64 decided; // entries in the outcome log
    }

    /// A call's working copy of its lane.
    struct Work {
        bytes32 lane;
        bytes32 outcomeLog;
        bytes32 running; // Q
        uint64 accepted;
        uint64 decided;
    }

    /// The fields of a message record that the inbox looks at.
    struct Fields {
        uint8 form;
        uint32 class;
        uint256 value;
        uint64 deadline;
        uint8 suites;
        bool hasPayload;
        uint256 payloadAt;
        bytes32 digest;
    }

    mapping(bytes32 messageLog => bytes32 running) public accepted; // slot 0
    mapping(bytes32 outcomeLog => bytes32 running) public outcomes; // slot 1
    mapping(bytes32 lane => State) public state;
    mapping(bytes32 lane => Closing) public closing;
    mapping(bytes32 lane => mapping(uint64 sequence => bytes32 digest)) public pending;
    uint256 private entered = 1;

    bytes32 public immutable network;
    bytes32 public immutable chain;
    IRegistry public immutable registry;
    address public immutable outbox;
    uint256 public immutable receiverGas; // what every call of a receiver gets

    event Accepted(bytes32 indexed lane, uint64 from, uint64 to, bytes32 running);
    /// The message waits, with its digest kept: for its turn or its payload (reason 0), or because its receiver failed.
    event Pending(bytes32 indexed lane, uint64 indexed sequence, bytes32 digest, uint32 reason);
    /// Entry `index` of the outcome log; `running`: Q_index.
    event Outcome(
        bytes32 indexed lane,
        uint64 indexed index,
        uint64 sequence,
        bytes32 digest,
        uint8 status,
        uint32 reason,
        bytes32 running
    );
    event Ruled(bytes32 indexed lane, uint64 from, uint64 to, uint8 status, uint32 rule, uint64 policyVersion);
    event Closed(bytes32 indexed lane, uint64 last, bytes32 running, uint32 nextGeneration);

    error RegistryMissing();
    error ReceiverGasInvalid(uint256 gas);
    error Reentered();
    error LaneInvalid();
    error LaneClosed();
    error BeyondClose(uint64 last);
    error ItemsCount(uint256 count);
    error ItemsGap(uint64 expected, uint64 from);
    error HeadDiffers(bytes32 computed, bytes32 head);
    error RecordInvalid(uint64 sequence);
    error PayloadDiffers(uint64 sequence);
    error PayloadMissing(uint64 sequence);
    error NotPending(uint64 sequence);
    error DigestDiffers(uint64 sequence);
    error OutOfOrder(uint64 next);
    error DeadlineNotPassed(uint64 deadline);
    error GasTooLow(uint256 needed);
    error RulingInvalid();
    error GenerationNotNext(uint32 nextGeneration);
    error PreviousGenerationOpen();

    modifier guarded() {
        if (entered != 1) revert Reentered();
        entered = 2;
        _;
        entered = 1;
    }

    /// `outbox_`: this chain's outbox, which no message may address; `receiverGas_`: 50,000 .. 10,000,000.
    constructor(bytes32 network_, bytes32 genesis, IRegistry registry_, address outbox_, uint256 receiverGas_) {
        if (address(registry_).code.length == 0) revert RegistryMissing();
        if (receiverGas_ < 50_000 || receiverGas_ > 10_000_000) revert ReceiverGasInvalid(receiverGas_);
        network = network_;
        chain = Formats.chain(Formats.caip2(block.chainid), genesis);
        registry = registry_;
        outbox = outbox_;
        receiverGas = receiverGas_;
    }

    // ---- entry points; anyone may call them: the certificate is the authority

    /// Accepts messages up to head.count and executes what can be executed. `items`, 1..256, are the messages up to the head, each a
    /// whole record (docs/formats.md §3; its payload may be absent) or the 32 bytes of its digest; those accepted before are passed over.
    /// A head accepted before: nothing happens.
    function deliver(Lane calldata lane, Head calldata head, Certificate calldata certificate, bytes[] calldata items)
        external
        guarded
    {
        Work memory w = _work(lane);
        if (head.count <= w.accepted) return;
        if (items.length == 0 || items.length > MAX_BATCH || items.length > head.count) revert ItemsCount(items.length);
        uint64 from = head.count - uint64(items.length) + 1;
        uint64 first = w.accepted + 1;
        if (from > first) revert ItemsGap(first, from);
        Fields[] memory messages = _read(w.lane, first, items, first - from);
        bytes32 log = Formats.logId(w.lane, Formats.LOG_MESSAGE);
        bytes32 r = _running(w, log);
        uint256 memoryEnd = _mark();
        for (uint256 i = 0; i < messages.length; i++) {
            r = Formats.run(r, messages[i].digest);
            _release(memoryEnd);
        }
        _accept(w, lane, log, head.count, r, head.running);
        registry.verify(Formats.headLeaf(log, head.count, r), certificate);
        _execute(w, lane, first, messages, items);
        _store(w);
    }

    /// Executes pending messages: `records`, 1..256, are those of sequence, sequence + 1, …; one that is decided already, or whose record
    /// is empty, is passed over. An ordered lane stops where a message stays pending. Refused if there is nothing to try.
    function execute(Lane calldata lane, uint64 sequence, bytes[] calldata records) external guarded {
        if (records.length == 0 || records.length > MAX_BATCH) revert ItemsCount(records.length);
        Work memory w = _work(lane);
        bool tried = false;
        uint256 memoryEnd = _mark();
        for (uint256 i = 0; i < records.length; i++) {
            uint64 n = sequence + uint64(i);
            bytes32 digest = pending[w.lane][n];
            if (digest == 0 || records[i].length == 0) continue;
            if (tried && _ordered(lane) && n != w.decided + 1) break;
            _checkTurn(w, lane, n);
            tried = true;
            Fields memory f = _fields(w.lane, n, records[i]);
            if (f.digest != digest) revert DigestDiffers(n);
            (uint8 status, uint32 reason) = _decide(w, lane, n, f, records[i]);
            if (status != 0) {
                delete pending[w.lane][n];
                _enter(w, n, digest, status, reason);
            } else if (reason != 0) {
                emit Pending(w.lane, n, digest, reason);
            } else {
                revert PayloadMissing(n);
            }
            _release(memoryEnd);
        }
        if (!tried) revert NotPending(sequence);
        _store(w);
    }

    /// Enters `expired` for a pending message whose deadline has passed. `record` needs no payload.
    function expire(Lane calldata lane, uint64 sequence, bytes calldata record) external guarded {
        Work memory w = _work(lane);
        bytes32 digest = pending[w.lane][sequence];
        if (digest == 0) revert NotPending(sequence);
        _checkTurn(w, lane, sequence);
        Fields memory f = _fields(w.lane, sequence, record);
        if (f.digest != digest) revert DigestDiffers(sequence);
        if (block.timestamp <= f.deadline) revert DeadlineNotPassed(f.deadline);
        delete pending[w.lane][sequence];
        _enter(w, sequence, digest, Formats.STATUS_EXPIRED, Formats.REASON_DEADLINE);
        _store(w);
    }

    /// Enters a border's ruling for the messages from..to (at most 256) that are undecided. `digests`: of the messages up to `to` that
    /// are not accepted yet (or more of them, from below); they become accepted, as the ruling binds them by R_to.
    function rule(
        Lane calldata lane,
        Ruling calldata ruling,
        Certificate calldata certificate,
        bytes32[] calldata digests
    ) external guarded {
        Work memory w = _work(lane);
        if (ruling.status != Formats.STATUS_WITHHELD && ruling.status != Formats.STATUS_STRUCK) revert RulingInvalid();
        if (ruling.from == 0 || ruling.to < ruling.from || ruling.to - ruling.from >= MAX_BATCH) revert RulingInvalid();
        if (ruling.from > w.accepted + 1) revert ItemsGap(w.accepted + 1, ruling.from);
        bytes32 log = Formats.logId(w.lane, Formats.LOG_MESSAGE);
        uint64 first = w.accepted + 1;
        bytes32[] memory fresh = _freshDigests(first, ruling.to, digests);
        if (ruling.to > w.accepted) {
            bytes32 r = _running(w, log);
            for (uint256 i = 0; i < fresh.length; i++) r = Formats.run(r, fresh[i]);
            _accept(w, lane, log, ruling.to, r, ruling.running);
        } else {
            _checkClose(w.lane, ruling.to);
        }
        registry.verify(
            Formats.rulingLeaf(
                log, ruling.from, ruling.to, ruling.running, ruling.status, ruling.rule, ruling.policyVersion
            ),
            certificate
        );
        emit Ruled(w.lane, ruling.from, ruling.to, ruling.status, ruling.rule, ruling.policyVersion);
        uint256 memoryEnd = _mark();
        for (uint64 n = ruling.from; n <= ruling.to; n++) {
            bytes32 digest = n >= first ? fresh[n - first] : pending[w.lane][n];
            if (digest == 0) continue; // decided before
            if (_ordered(lane) && n != w.decided + 1) revert OutOfOrder(w.decided + 1);
            if (n < first) delete pending[w.lane][n];
            _enter(w, n, digest, ruling.status, ruling.rule);
            _release(memoryEnd);
        }
        _store(w);
    }

    /// Ends the lane at message `last`: nothing beyond it is accepted or decided any more.
    function close(Lane calldata lane, Closing calldata record, Certificate calldata certificate) external guarded {
        Work memory w = _work(lane);
        if (closing[w.lane].nextGeneration != 0) revert LaneClosed();
        if (record.nextGeneration != lane.generation + 1) revert GenerationNotNext(record.nextGeneration);
        if (record.last == w.accepted || record.last == 0) {
            bytes32 log = Formats.logId(w.lane, Formats.LOG_MESSAGE);
            bytes32 known = record.last == 0 ? log : accepted[log];
            if (known != record.running) revert HeadDiffers(known, record.running);
        }
        registry.verifyClose(
            Formats.closeLeaf(w.lane, record.last, record.running, record.nextGeneration), certificate
        );
        closing[w.lane] = record;
        emit Closed(w.lane, record.last, record.running, record.nextGeneration);
    }

    /// The lane's id here.
    function laneId(Lane calldata lane) external view returns (bytes32) {
        return _id(lane, lane.generation);
    }

    // ---- accepting

    function _id(Lane calldata lane, uint32 generation) private view returns (bytes32) {
        return Formats.laneId(
            network,
            lane.sourceChain,
            lane.outbox,
            lane.sender,
            chain,
            Formats.account(address(this)),
            Formats.account(lane.receiver),
            lane.mode,
            generation
        );
    }

    function _work(Lane calldata lane) private view returns (Work memory w) {
        if (lane.mode > (Formats.MODE_ORDERED | Formats.MODE_RETRY) || lane.generation == 0) revert LaneInvalid();
        w.lane = _id(lane, lane.generation);
        State memory s = state[w.lane];
        (w.accepted, w.decided) = (s.accepted, s.decided);
        w.outcomeLog = Formats.logId(w.lane, Formats.LOG_OUTCOME);
        w.running = s.decided == 0 ? w.outcomeLog : outcomes[w.outcomeLog];
    }

    function _store(Work memory w) private {
        state[w.lane] = State(w.accepted, w.decided);
        if (w.decided != 0) outcomes[w.outcomeLog] = w.running;
    }

    /// R of the newest accepted message.
    function _running(Work memory w, bytes32 log) private view returns (bytes32) {
        return w.accepted == 0 ? log : accepted[log];
    }

    /// Accepts the messages up to `to`, whose digests led to `r` where `running` was said. The caller verifies the certificate.
    /// A generation begins here only when the one before has ended here.
    function _accept(Work memory w, Lane calldata lane, bytes32 log, uint64 to, bytes32 r, bytes32 running) private {
        Closing memory end = closing[w.lane];
        if (end.nextGeneration != 0 && to > end.last) revert BeyondClose(end.last);
        if (r != running) revert HeadDiffers(r, running);
        if (end.nextGeneration != 0 && to == end.last && r != end.running) revert HeadDiffers(r, end.running);
        if (w.accepted == 0 && lane.generation > 1) {
            if (closing[_id(lane, lane.generation - 1)].nextGeneration == 0) revert PreviousGenerationOpen();
        }
        emit Accepted(w.lane, w.accepted + 1, to, r);
        accepted[log] = r;
        w.accepted = to;
    }

    function _freshDigests(uint64 first, uint64 to, bytes32[] calldata digests)
        private
        pure
        returns (bytes32[] memory)
    {
        if (to < first) return new bytes32[](0);
        if (digests.length == 0 || digests.length > MAX_BATCH || digests.length > to) revert ItemsCount(digests.length);
        uint64 from = to - uint64(digests.length) + 1;
        if (from > first) revert ItemsGap(first, from);
        return digests[first - from:];
    }

    /// The items from number `skip` on, the first of which is message `first`; of those that are digests only the digest is set.
    function _read(bytes32 lane, uint64 first, bytes[] calldata items, uint256 skip)
        private
        pure
        returns (Fields[] memory messages)
    {
        messages = new Fields[](items.length - skip);
        uint256 memoryEnd = _mark();
        for (uint256 i = 0; i < messages.length; i++) {
            bytes calldata item = items[skip + i];
            if (item.length == 32) messages[i].digest = bytes32(item);
            else _parse(messages[i], lane, first + uint64(i), item);
            _release(memoryEnd);
        }
    }

    // ---- executing

    /// Decides each new message, the last ones of `items`, or keeps its digest.
    function _execute(
        Work memory w,
        Lane calldata lane,
        uint64 first,
        Fields[] memory messages,
        bytes[] calldata items
    ) private {
        uint256 skip = items.length - messages.length;
        uint256 memoryEnd = _mark();
        for (uint256 i = 0; i < messages.length; i++) {
            uint64 sequence = first + uint64(i);
            bytes calldata item = items[skip + i];
            Fields memory message = messages[i];
            (uint8 status, uint32 reason) = (0, 0);
            if (item.length != 32 && (!_ordered(lane) || sequence == w.decided + 1)) {
                (status, reason) = _decide(w, lane, sequence, message, item);
            }
            if (status != 0) {
                _enter(w, sequence, message.digest, status, reason);
            } else {
                pending[w.lane][sequence] = message.digest;
                emit Pending(w.lane, sequence, message.digest, reason);
            }
            _release(memoryEnd);
        }
    }

    /// What becomes of a message now: its final status, or 0 and why it waits (0: its payload is missing).
    function _decide(Work memory w, Lane calldata lane, uint64 sequence, Fields memory f, bytes calldata record)
        private
        returns (uint8 status, uint32 reason)
    {
        if (block.timestamp > f.deadline) return (Formats.STATUS_EXPIRED, Formats.REASON_DEADLINE);
        if (f.suites & Formats.SUITE == 0 || f.form > Formats.FORM_HASH_ONLY) return (0, 0);
        if (f.form != Formats.FORM_HASH_ONLY && !f.hasPayload) return (0, 0);
        bytes32 commitment = bytes32(_word(record, Formats.RECORD_COMMITMENTS));
        if (f.hasPayload) {
            bytes32 salt = bytes32(_word(record, f.payloadAt - 36));
            if (Formats.commitment(salt, record[f.payloadAt:]) != commitment) revert PayloadDiffers(sequence);
        }
        if (_forbidden(lane.receiver)) return (Formats.STATUS_FAILED, Formats.REASON_FORBIDDEN);
        reason = Formats.REASON_NO_CODE;
        if (lane.receiver.code.length != 0) {
            reason = _call(lane.receiver, _calldata(w.lane, lane, sequence, f, commitment, record));
        }
        if (reason == 0) return (Formats.STATUS_DONE, 0);
        return (lane.mode & Formats.MODE_RETRY != 0 ? 0 : Formats.STATUS_FAILED, reason);
    }

    function _calldata(
        bytes32 id,
        Lane calldata lane,
        uint64 sequence,
        Fields memory f,
        bytes32 commitment,
        bytes calldata record
    ) private pure returns (bytes memory) {
        if (f.form == Formats.FORM_HASH_ONLY) {
            return abi.encodeCall(
                IReceiver.onCommitment, (id, lane.sourceChain, lane.sender, sequence, f.class, f.value, commitment)
            );
        }
        return abi.encodeCall(
            IReceiver.onMessage,
            (id, lane.sourceChain, lane.sender, sequence, f.form, f.class, f.value, record[f.payloadAt:])
        );
    }

    /// Calls with exactly `receiverGas`, so that no caller can make a message fail by giving little gas; copies no return data.
    function _call(address receiver, bytes memory data) private returns (uint32 reason) {
        uint256 given = receiverGas;
        uint256 needed = given + given / 63 + CALL_RESERVE;
        if (gasleft() < needed) revert GasTooLow(needed);
        uint256 before = gasleft();
        bool success;
        assembly ("memory-safe") {
            success := call(given, receiver, 0, add(data, 32), mload(data), 0, 0)
        }
        if (success) return Formats.REASON_NONE;
        return before - gasleft() >= given ? Formats.REASON_OUT_OF_GAS : Formats.REASON_REVERTED;
    }

    function _forbidden(address receiver) private view returns (bool) {
        return uint160(receiver) < 0x10000 || receiver == address(this) || receiver == address(registry)
            || receiver == outbox;
    }

    /// Refuses a message that may not be decided now, by its lane's order or its end.
    function _checkTurn(Work memory w, Lane calldata lane, uint64 sequence) private view {
        if (_ordered(lane) && sequence != w.decided + 1) revert OutOfOrder(w.decided + 1);
        _checkClose(w.lane, sequence);
    }

    function _checkClose(bytes32 lane, uint64 sequence) private view {
        Closing storage end = closing[lane];
        if (end.nextGeneration != 0 && sequence > end.last) revert BeyondClose(end.last);
    }

    function _enter(Work memory w, uint64 sequence, bytes32 digest, uint8 status, uint32 reason) private {
        w.running = Formats.run(w.running, Formats.entry(sequence, digest, status, reason));
        w.decided++;
        emit Outcome(w.lane, w.decided, sequence, digest, status, reason, w.running);
    }

    function _ordered(Lane calldata lane) private pure returns (bool) {
        return lane.mode & Formats.MODE_ORDERED != 0;
    }

    /// Reads a message record strictly: every byte belongs to a field, and an absent payload is all zero.
    function _fields(bytes32 lane, uint64 sequence, bytes calldata record) private pure returns (Fields memory f) {
        _parse(f, lane, sequence, record);
    }

    function _parse(Fields memory f, bytes32 lane, uint64 sequence, bytes calldata record) private pure {
        if (record.length < Formats.RECORD_COMMITMENTS) revert RecordInvalid(sequence);
        uint256 word = _word(record, 8); // form, class, the value's upper 27 bytes
        f.form = uint8(word >> 248);
        f.class = uint32(word >> 216);
        f.value = _word(record, 13);
        f.deadline = uint64(_word(record, 45) >> 192);
        uint8 suites = uint8(_word(record, 53) >> 248);
        f.suites = suites;
        uint256 end = Formats.RECORD_COMMITMENTS + 32 * Formats.suiteCount(suites);
        uint256 payloadAt = end + 37;
        if (record.length < payloadAt) revert RecordInvalid(sequence);
        uint256 present = _word(record, end) >> 248;
        uint256 salt = _word(record, end + 1);
        uint256 length = _word(record, end + 33) >> 224;
        if (present > 1 || record.length != payloadAt + length) revert RecordInvalid(sequence);
        if (present == 1 ? f.form == Formats.FORM_HASH_ONLY : length != 0 || salt != 0) revert RecordInvalid(sequence);
        f.hasPayload = present == 1;
        f.payloadAt = payloadAt;
        f.digest = Formats.digestOf(lane, sequence, record[:end]);
    }

    /// The 32 bytes of calldata at an offset of the record; what lies beyond the record is for the caller to ignore.
    function _word(bytes calldata record, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(record.offset, offset))
        }
    }

    // A loop over 256 elements works in the same scratch memory each time, or memory would cost more than the work.
    function _mark() private pure returns (uint256 end) {
        assembly ("memory-safe") {
            end := mload(0x40)
        }
    }

    function _release(uint256 end) private pure {
        assembly ("memory-safe") {
            mstore(0x40, end)
        }
    }
}
