// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Formats} from "./Formats.sol";
import {Certificate, IRegistry} from "./Registry.sol";

/// Where lanes begin: numbers the messages of a lane and keeps their running hash; takes back their outcomes.
///
/// Storage that proofs read (mapping slot of key k: keccak256(k ‖ u256 slot)):
///   slot 0: log id of the message log (kind 1) → R_N
///   slot 1: log id of the settlement log (kind 3) → Q_M, the outcome log's running hash up to the entry last taken
/// An absent value stands for the log's beginning: R_0 = log id of kind 1, Q_0 = log id of kind 2.
contract Outbox {
    uint256 public constant MAX_PAYLOAD = 16384;
    uint256 public constant MAX_BATCH = 256;
    uint256 private constant MAX_ADVANCE = 64; // words of 256 sequences by which the settled mark moves in one call

    struct Settings {
        bytes32 destinationChain;
        bytes32 inbox;
        bytes32 receiver;
        address sender;
        uint8 mode;
        uint8 suites;
        uint32 maxLifetime; // seconds
        uint32 generation;
    }

    struct State {
        uint64 count; // messages sent
        uint64 time; // of the newest message
        uint64 taken; // M: outcome entries taken
        uint64 mark; // S: all of 1..S have an outcome here
    }

    struct Closing {
        uint64 last;
        uint32 nextGeneration; // 0: the lane is open
        bytes32 running; // R_last
    }

    struct Outcome {
        uint64 sequence;
        uint8 status; // 0: none
        uint32 reason;
    }

    mapping(bytes32 messageLog => bytes32 running) public runningHash; // slot 0
    mapping(bytes32 settlementLog => bytes32 running) public settlement; // slot 1
    mapping(bytes32 lane => Settings) public settings;
    mapping(bytes32 lane => State) public state;
    mapping(bytes32 lane => Closing) public closing;
    mapping(bytes32 digest => Outcome) private outcomes;
    mapping(bytes32 lane => mapping(uint256 word => uint256 bits)) private settledBits; // bit of sequence n: n - 1

    bytes32 public immutable network;
    bytes32 public immutable chain;
    IRegistry public immutable registry;

    event Opened(
        bytes32 indexed lane,
        address indexed sender,
        bytes32 indexed destinationChain,
        bytes32 inbox,
        bytes32 receiver,
        uint8 mode,
        uint32 generation,
        uint8 suites,
        uint32 maxLifetime
    );
    /// `record`: the message record of docs/formats.md §3. `running`: R_sequence.
    event Message(bytes32 indexed lane, uint64 indexed sequence, bytes32 running, bytes record);
    /// Entries from..to of the outcome log were taken; `running`: Q_to. `records`: their outcome records (§4).
    event Settled(bytes32 indexed lane, uint64 from, uint64 to, uint64 mark, bytes32 running, bytes records);
    event Closed(bytes32 indexed lane, uint64 last, bytes32 running, uint32 nextGeneration, bytes32 nextLane);

    error RegistryMissing();
    error LaneExists(bytes32 lane);
    error LaneUnknown(bytes32 lane);
    error LaneClosed(bytes32 lane);
    error NotSender(address caller);
    error ModeInvalid(uint8 mode);
    error SuitesInvalid(uint8 suites);
    error LifetimeInvalid(uint32 maxLifetime);
    error DestinationInvalid();
    error FormInvalid(uint8 form);
    error PayloadTooLong(uint256 length);
    error CommitmentsCount(uint256 given, uint256 needed);
    error DeadlineInvalid(uint64 deadline, uint64 time, uint64 latest);
    error RecordsLength(uint256 length);
    error EntriesGap(uint64 expected, uint64 from);
    error HeadDiffers(bytes32 computed, bytes32 head);
    error EntrySequenceUnknown(uint64 sequence);
    error EntryRepeated(uint64 sequence);
    error EntryStatusInvalid(uint8 status);
    error GenerationNotNext(uint32 nextGeneration);
    error LastBeyondCount(uint64 last, uint64 count);

    constructor(bytes32 network_, bytes32 genesis, IRegistry registry_) {
        if (address(registry_).code.length == 0) revert RegistryMissing();
        network = network_;
        chain = Formats.chain(Formats.caip2(block.chainid), genesis);
        registry = registry_;
    }

    // ---- the sender

    /// Opens the caller's lane, generation 1. `suites` must hold bit 0x01; `maxLifetime`: the longest life of a message, seconds.
    function open(
        bytes32 destinationChain,
        bytes32 inbox,
        bytes32 receiver,
        uint8 mode,
        uint8 suites,
        uint32 maxLifetime
    ) external returns (bytes32 lane) {
        if (mode > (Formats.MODE_ORDERED | Formats.MODE_RETRY)) revert ModeInvalid(mode);
        if (suites > 0x0f || suites & Formats.SUITE == 0) revert SuitesInvalid(suites);
        if (maxLifetime == 0) revert LifetimeInvalid(maxLifetime);
        if (destinationChain == 0 || inbox == 0 || receiver == 0) revert DestinationInvalid();
        return _open(Settings(destinationChain, inbox, receiver, msg.sender, mode, suites, maxLifetime, 1));
    }

    /// Sends a message with its payload. `form`: 0 full, 1 sealed. `others`: its commitments under the lane's other suites,
    /// lowest bit first; the Keccak one is computed here.
    function send(
        bytes32 lane,
        uint8 form,
        uint32 class,
        uint256 value,
        uint64 deadline,
        bytes32 salt,
        bytes calldata payload,
        bytes32[] calldata others
    ) external returns (uint64 sequence, bytes32 digest) {
        if (form > Formats.FORM_SEALED) revert FormInvalid(form);
        if (payload.length > MAX_PAYLOAD) revert PayloadTooLong(payload.length);
        bytes32 first = Formats.commitment(salt, payload);
        return _append(
            lane,
            form,
            abi.encodePacked(class, value, deadline),
            deadline,
            abi.encodePacked(first, others),
            abi.encodePacked(uint8(1), salt, uint32(payload.length), payload)
        );
    }

    /// Sends a message of which only commitments are known here. `form`: 2 hash-only. `commitments`: one for every suite of
    /// the lane, lowest bit first.
    function sendCommitment(
        bytes32 lane,
        uint8 form,
        uint32 class,
        uint256 value,
        uint64 deadline,
        bytes32[] calldata commitments
    ) external returns (uint64 sequence, bytes32 digest) {
        if (form != Formats.FORM_HASH_ONLY) revert FormInvalid(form);
        return _append(
            lane,
            form,
            abi.encodePacked(class, value, deadline),
            deadline,
            abi.encodePacked(commitments),
            abi.encodePacked(uint8(0), bytes32(0), uint32(0))
        );
    }

    // ---- the way back

    /// Takes outcome entries up to `count`, whose head (log of kind 2, count, running) the certificate covers. `records`: outcome
    /// records, 1..256, the last one being entry `count`; those already taken are passed over. All taken already: nothing happens.
    function settle(
        bytes32 lane,
        uint64 count,
        bytes32 running,
        Certificate calldata certificate,
        bytes calldata records
    ) external {
        State memory s = state[lane];
        if (settings[lane].generation == 0) revert LaneUnknown(lane);
        if (count <= s.taken) {
            _advance(lane, s);
        } else {
            uint256 size = Formats.OUTCOME_RECORD;
            uint256 given = records.length / size;
            if (given * size != records.length || given == 0 || given > MAX_BATCH || given > count) {
                revert RecordsLength(records.length);
            }
            uint64 from = count - uint64(given) + 1;
            if (from > s.taken + 1) revert EntriesGap(s.taken + 1, from);
            _take(lane, s, count, running, records[(s.taken + 1 - from) * size:]);
            registry.verify(Formats.headLeaf(Formats.logId(lane, Formats.LOG_OUTCOME), count, running), certificate);
        }
        state[lane] = s;
    }

    /// The outcome of a message by its sequence and digest: status (0: none yet; 6 void: it lies beyond the closing record), reason.
    function outcome(bytes32 lane, uint64 sequence, bytes32 digest)
        external
        view
        returns (uint8 status, uint32 reason)
    {
        Outcome memory o = outcomes[digest];
        if (o.status != 0 && o.sequence == sequence) return (o.status, o.reason);
        if (closing[lane].nextGeneration != 0 && sequence > closing[lane].last) return (Formats.STATUS_VOID, 0);
        return (0, 0);
    }

    /// Ends the lane at message `last`: later ones are void; the next generation opens with the same settings.
    function close(
        bytes32 lane,
        uint64 last,
        bytes32 running,
        uint32 nextGeneration,
        Certificate calldata certificate
    ) external returns (bytes32 nextLane) {
        Settings memory next = settings[lane];
        if (next.generation == 0) revert LaneUnknown(lane);
        if (closing[lane].nextGeneration != 0) revert LaneClosed(lane);
        if (nextGeneration != next.generation + 1) revert GenerationNotNext(nextGeneration);
        uint64 count = state[lane].count;
        if (last > count) revert LastBeyondCount(last, count);
        bytes32 log = Formats.logId(lane, Formats.LOG_MESSAGE);
        bytes32 known = last == 0 ? log : runningHash[log];
        if ((last == 0 || last == count) && known != running) revert HeadDiffers(known, running);
        registry.verifyClose(Formats.closeLeaf(lane, last, running, nextGeneration), certificate);
        closing[lane] = Closing(last, nextGeneration, running);
        next.generation = nextGeneration;
        nextLane = _open(next);
        emit Closed(lane, last, running, nextGeneration, nextLane);
    }

    // ---- inside

    function _open(Settings memory s) private returns (bytes32 lane) {
        lane = Formats.laneId(
            network,
            chain,
            Formats.account(address(this)),
            Formats.account(s.sender),
            s.destinationChain,
            s.inbox,
            s.receiver,
            s.mode,
            s.generation
        );
        if (settings[lane].generation != 0) revert LaneExists(lane);
        settings[lane] = s;
        emit Opened(
            lane, s.sender, s.destinationChain, s.inbox, s.receiver, s.mode, s.generation, s.suites, s.maxLifetime
        );
    }

    /// `declared`: class, value, deadline; `commitments`: of all suites; `rest`: the record from "payload present" on.
    function _append(
        bytes32 lane,
        uint8 form,
        bytes memory declared,
        uint64 deadline,
        bytes memory commitments,
        bytes memory rest
    ) private returns (uint64 sequence, bytes32 digest) {
        Settings storage c = settings[lane];
        if (msg.sender != c.sender) revert NotSender(msg.sender);
        if (closing[lane].nextGeneration != 0) revert LaneClosed(lane);
        uint8 suites = c.suites;
        uint256 needed = Formats.suiteCount(suites);
        if (commitments.length != 32 * needed) revert CommitmentsCount(commitments.length / 32, needed);

        State storage s = state[lane];
        uint64 time = uint64(block.timestamp);
        if (time < s.time) time = s.time; // the log's own rule holds even where a chain's clock steps back
        uint64 latest = time + c.maxLifetime;
        if (deadline <= time || deadline > latest) revert DeadlineInvalid(deadline, time, latest);

        sequence = s.count + 1;
        bytes memory fields = abi.encodePacked(time, form, declared, suites, commitments);
        digest = Formats.digest(lane, sequence, fields);
        bytes32 log = Formats.logId(lane, Formats.LOG_MESSAGE);
        bytes32 running = Formats.run(sequence == 1 ? log : runningHash[log], digest);
        runningHash[log] = running;
        s.count = sequence;
        s.time = time;
        emit Message(lane, sequence, running, bytes.concat(fields, rest));
    }

    /// Enters the outcomes of `records`, which must lead from Q_taken to `running`.
    function _take(bytes32 lane, State memory s, uint64 count, bytes32 running, bytes calldata records) private {
        bytes32 log = Formats.logId(lane, Formats.LOG_SETTLEMENT);
        bytes32 q = s.taken == 0 ? Formats.logId(lane, Formats.LOG_OUTCOME) : settlement[log];
        bool isClosed = closing[lane].nextGeneration != 0;
        uint64 last = isClosed ? closing[lane].last : s.count;
        uint256 memoryEnd = _mark();
        for (uint256 offset = 0; offset < records.length; offset += Formats.OUTCOME_RECORD) {
            uint64 sequence = uint64(bytes8(records[offset:offset + 8]));
            bytes32 digest = bytes32(records[offset + 8:offset + 40]);
            uint8 status = uint8(records[offset + 40]);
            uint32 reason = uint32(bytes4(records[offset + 41:offset + 45]));
            q = Formats.run(q, Formats.entry(sequence, digest, status, reason));
            if (status == 0 || status > Formats.STATUS_STRUCK) revert EntryStatusInvalid(status);
            if (sequence != 0 && sequence <= last) _settleOne(lane, sequence, digest, status, reason);
            else if (!isClosed || sequence == 0) revert EntrySequenceUnknown(sequence);
            _release(memoryEnd);
        }
        if (q != running) revert HeadDiffers(q, running);
        settlement[log] = q;
        uint64 from = s.taken + 1;
        s.taken = count;
        _advance(lane, s);
        emit Settled(lane, from, count, s.mark, q, records);
    }

    function _settleOne(bytes32 lane, uint64 sequence, bytes32 digest, uint8 status, uint32 reason) private {
        uint256 word = (sequence - 1) >> 8;
        uint256 bit = 1 << ((sequence - 1) & 255);
        uint256 bits = settledBits[lane][word];
        if (bits & bit != 0 || outcomes[digest].status != 0) revert EntryRepeated(sequence);
        settledBits[lane][word] = bits | bit;
        outcomes[digest] = Outcome(sequence, status, reason);
    }

    /// Moves the settled mark over the sequences that have outcomes, a bounded way; the next call goes on.
    function _advance(bytes32 lane, State memory s) private view {
        for (uint256 i = 0; i < MAX_ADVANCE; i++) {
            uint256 bits = settledBits[lane][s.mark >> 8];
            uint256 first = s.mark & 255;
            uint256 n = first;
            while (n < 256 && bits & (1 << n) != 0) n++;
            s.mark += uint64(n - first);
            if (n < 256) return;
        }
    }

    // A loop over 256 elements hashes in the same scratch memory each time, or memory would cost more than the hashes.
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
