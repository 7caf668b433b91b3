// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiver} from "../Inbox.sol";

/// A receiver that only counts, so that "once, and in order" can be read from the chain alone.
contract Recorder is IReceiver {
    address public immutable inbox;

    struct Count {
        uint64 received;
        uint64 duplicates; // a sequence that came before
        uint64 outOfOrder; // a sequence lower than one that came before
        uint64 highest;
    }

    mapping(bytes32 lane => Count) public counts;
    mapping(bytes32 lane => mapping(uint256 word => uint256 bits)) private seen; // bit of sequence n: n - 1

    event Received(bytes32 indexed lane, uint64 indexed sequence, bytes32 payloadHash);

    error NotInbox(address caller);

    constructor(address inbox_) {
        inbox = inbox_;
    }

    function onMessage(
        bytes32 lane,
        bytes32,
        bytes32,
        uint64 sequence,
        uint8,
        uint32,
        uint256,
        bytes calldata payload
    ) external virtual {
        _record(lane, sequence, keccak256(payload));
    }

    function onCommitment(bytes32 lane, bytes32, bytes32, uint64 sequence, uint32, uint256, bytes32 commitment)
        external
        virtual
    {
        _record(lane, sequence, commitment);
    }

    function _record(bytes32 lane, uint64 sequence, bytes32 payloadHash) internal {
        if (msg.sender != inbox) revert NotInbox(msg.sender);
        Count memory c = counts[lane];
        uint256 bits = seen[lane][(sequence - 1) >> 8];
        uint256 bit = 1 << ((sequence - 1) & 255);
        c.received++;
        if (bits & bit != 0) c.duplicates++;
        if (sequence < c.highest) c.outOfOrder++;
        else c.highest = sequence;
        counts[lane] = c;
        seen[lane][(sequence - 1) >> 8] = bits | bit;
        emit Received(lane, sequence, payloadHash);
    }
}
