// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Formats, Member} from "../Formats.sol";

/// Shows every function of the library, so that a test can compare it with the worked examples of docs/formats.md.
contract FormatsTest {
    function network(string calldata name) external pure returns (bytes32) {
        return Formats.network(name);
    }

    function chain(string calldata caip2Id, bytes32 genesis) external pure returns (bytes32) {
        return Formats.chain(caip2Id, genesis);
    }

    function caip2(uint256 chainId) external pure returns (string memory) {
        return Formats.caip2(chainId);
    }

    function laneId(
        bytes32 networkId,
        bytes32 sourceChain,
        bytes32 outbox,
        bytes32 sender,
        bytes32 destinationChain,
        bytes32 inbox,
        bytes32 receiver,
        uint8 mode,
        uint32 generation
    ) external pure returns (bytes32) {
        return Formats.laneId(
            networkId, sourceChain, outbox, sender, destinationChain, inbox, receiver, mode, generation
        );
    }

    function logId(bytes32 lane, uint8 kind) external pure returns (bytes32) {
        return Formats.logId(lane, kind);
    }

    function commitment(bytes32 salt, bytes calldata payload) external pure returns (bytes32) {
        return Formats.commitment(salt, payload);
    }

    function digest(bytes32 lane, uint64 sequence, bytes calldata fields) external pure returns (bytes32) {
        return Formats.digest(lane, sequence, fields);
    }

    function run(bytes32 running, bytes32 element) external pure returns (bytes32) {
        return Formats.run(running, element);
    }

    function entry(uint64 sequence, bytes32 digest_, uint8 status, uint32 reason) external pure returns (bytes32) {
        return Formats.entry(sequence, digest_, status, reason);
    }

    function headLeaf(bytes32 log, uint64 count, bytes32 running) external pure returns (bytes32) {
        return Formats.headLeaf(log, count, running);
    }

    function rulingLeaf(
        bytes32 log,
        uint64 from,
        uint64 to,
        bytes32 running,
        uint8 status,
        uint32 rule,
        uint64 policyVersion
    ) external pure returns (bytes32) {
        return Formats.rulingLeaf(log, from, to, running, status, rule, policyVersion);
    }

    function closeLeaf(bytes32 lane, uint64 last, bytes32 running, uint32 nextGeneration)
        external
        pure
        returns (bytes32)
    {
        return Formats.closeLeaf(lane, last, running, nextGeneration);
    }

    function membersHash(Member[] calldata members) external pure returns (bytes32) {
        return Formats.membersHash(members);
    }

    function epochLeaf(
        bytes32 chain_,
        bytes32 registry,
        uint64 epoch,
        uint16 quorum,
        uint64 overlap,
        bytes32 membersHash_
    ) external pure returns (bytes32) {
        return Formats.epochLeaf(chain_, registry, epoch, quorum, overlap, membersHash_);
    }

    function node(bytes32 a, bytes32 b) external pure returns (bytes32) {
        return Formats.node(a, b);
    }

    function signed(bytes32 networkId, bytes32 root) external pure returns (bytes32) {
        return Formats.signed(networkId, root);
    }
}
