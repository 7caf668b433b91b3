// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Outbox} from "../Outbox.sol";

/// A sender that fills a lane of its own quickly. Anyone may drive it: for tests and benches only.
contract Load {
    Outbox public immutable outbox;

    constructor(Outbox outbox_) {
        outbox = outbox_;
    }

    function open(
        bytes32 destinationChain,
        bytes32 inbox,
        bytes32 receiver,
        uint8 mode,
        uint8 suites,
        uint32 maxLifetime
    ) external returns (bytes32) {
        return outbox.open(destinationChain, inbox, receiver, mode, suites, maxLifetime);
    }

    /// Sends `count` messages whose payloads are `size` bytes: the message's number, repeated. Each lives `lifetime` seconds.
    function sendMany(bytes32 lane, uint256 count, uint256 size, uint64 lifetime) external {
        for (uint256 i = 0; i < count; i++) {
            (uint64 sent,,,) = outbox.state(lane);
            bytes memory payload = new bytes(size);
            for (uint256 k = 0; k < size; k++) payload[k] = bytes1(uint8((sent + 1) >> (8 * (k % 8))));
            bytes32 salt = keccak256(abi.encode(lane, sent));
            outbox.send(lane, 0, 0, 0, uint64(block.timestamp) + lifetime, salt, payload, new bytes32[](0));
        }
    }
}
