// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Formats} from "../Formats.sol";
import {Recorder} from "./Recorder.sol";

/// A recorder that refuses: everything while it is `unwilling`, and a commitment until somebody has shown what is behind it.
contract Reluctant is Recorder {
    bool public unwilling;
    mapping(bytes32 commitment => bool) public shown;

    error Unwilling();
    error NotShown(bytes32 commitment);

    constructor(address inbox_) Recorder(inbox_) {}

    function set(bool unwilling_) external {
        unwilling = unwilling_;
    }

    function show(bytes32 salt, bytes calldata payload) external {
        shown[Formats.commitment(salt, payload)] = true;
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
    ) external override {
        if (unwilling) revert Unwilling();
        _record(lane, sequence, keccak256(payload));
    }

    function onCommitment(bytes32 lane, bytes32, bytes32, uint64 sequence, uint32, uint256, bytes32 commitment)
        external
        override
    {
        if (unwilling) revert Unwilling();
        if (!shown[commitment]) revert NotShown(commitment);
        _record(lane, sequence, commitment);
    }
}
