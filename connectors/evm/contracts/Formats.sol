// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// One key of an attester epoch. An operator may have several keys and lies on one side of the border.
struct Member {
    uint16 operator;
    uint8 side;
    address key;
}

/// Every hash of docs/formats.md under the suite keccak256-secp256k1 (bit 0x01). Pure; section numbers are of that page.
library Formats {
    uint8 internal constant SUITE = 0x01;

    // Kinds of log (§2).
    uint8 internal constant LOG_MESSAGE = 1;
    uint8 internal constant LOG_OUTCOME = 2;
    uint8 internal constant LOG_SETTLEMENT = 3;

    // Bits of a lane's mode (§2).
    uint8 internal constant MODE_ORDERED = 1;
    uint8 internal constant MODE_RETRY = 2;

    // Forms of a message (§3).
    uint8 internal constant FORM_FULL = 0;
    uint8 internal constant FORM_SEALED = 1;
    uint8 internal constant FORM_HASH_ONLY = 2;

    // Statuses and reasons of an outcome (§4).
    uint8 internal constant STATUS_DONE = 1;
    uint8 internal constant STATUS_FAILED = 2;
    uint8 internal constant STATUS_EXPIRED = 3;
    uint8 internal constant STATUS_WITHHELD = 4;
    uint8 internal constant STATUS_STRUCK = 5;
    uint8 internal constant STATUS_VOID = 6;
    uint32 internal constant REASON_NONE = 0;
    uint32 internal constant REASON_REVERTED = 1;
    uint32 internal constant REASON_OUT_OF_GAS = 2;
    uint32 internal constant REASON_NO_CODE = 3;
    uint32 internal constant REASON_FORBIDDEN = 4;
    uint32 internal constant REASON_DEADLINE = 5;

    // Sizes of records (§3, §4).
    uint256 internal constant RECORD_COMMITMENTS = 54;
    uint256 internal constant OUTCOME_RECORD = 45;

    bytes16 private constant TAG_NETWORK = "isthmus/network\x01";
    bytes16 private constant TAG_CHAIN = "isthmus/chain\x00\x00\x01";
    bytes16 private constant TAG_LANE = "isthmus/lane\x00\x00\x00\x01";
    bytes16 private constant TAG_LOG = "isthmus/log\x00\x00\x00\x00\x01";
    bytes16 private constant TAG_COMMIT = "isthmus/commit\x00\x01";
    bytes16 private constant TAG_DIGEST = "isthmus/digest\x00\x01";
    bytes16 private constant TAG_RUN = "isthmus/run\x00\x00\x00\x00\x01";
    bytes16 private constant TAG_OUTCOME = "isthmus/outcome\x01";
    bytes16 private constant TAG_HEAD = "isthmus/head\x00\x00\x00\x01";
    bytes16 private constant TAG_RULING = "isthmus/ruling\x00\x01";
    bytes16 private constant TAG_CLOSE = "isthmus/close\x00\x00\x01";
    bytes16 private constant TAG_MEMBERS = "isthmus/members\x01";
    bytes16 private constant TAG_EPOCH = "isthmus/epoch\x00\x00\x01";
    bytes16 private constant TAG_NODE = "isthmus/node\x00\x00\x00\x01";
    bytes16 private constant TAG_SIGNED = "isthmus/signed\x00\x01";

    // ---- §2 identities

    function network(string memory name) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_NETWORK, uint8(bytes(name).length), name));
    }

    function chain(string memory caip2Id, bytes32 genesis) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_CHAIN, uint8(bytes(caip2Id).length), caip2Id, genesis));
    }

    /// The CAIP-2 id of an EVM chain: "eip155:" and the chain id in decimal.
    function caip2(uint256 chainId) internal pure returns (string memory) {
        uint256 digits = 1;
        for (uint256 rest = chainId / 10; rest != 0; rest /= 10) digits++;
        bytes memory number = new bytes(digits);
        for (uint256 i = digits; i != 0; chainId /= 10) number[--i] = bytes1(uint8(48 + (chainId % 10)));
        return string.concat("eip155:", string(number));
    }

    function account(address a) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(a)));
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
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                TAG_LANE, networkId, sourceChain, outbox, sender, destinationChain, inbox, receiver, mode, generation
            )
        );
    }

    function logId(bytes32 lane, uint8 kind) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_LOG, lane, kind, SUITE));
    }

    // ---- §3 messages

    function commitment(bytes32 salt, bytes calldata payload) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_COMMIT, salt, payload));
    }

    /// `fields` are the first 54 + 32p bytes of the message record: time, form, class, value, deadline, suites, commitments.
    function digest(bytes32 lane, uint64 sequence, bytes memory fields) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_DIGEST, lane, sequence, fields));
    }

    /// The same for fields in calldata.
    function digestOf(bytes32 lane, uint64 sequence, bytes calldata fields) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_DIGEST, lane, sequence, fields));
    }

    function run(bytes32 running, bytes32 element) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_RUN, running, element));
    }

    function popcount(uint256 bits) internal pure returns (uint256 count) {
        for (; bits != 0; bits &= bits - 1) count++;
    }

    /// Suites in a set: popcount of a byte, from a table of nibbles.
    function suiteCount(uint8 suites) internal pure returns (uint256) {
        uint256 table = 0x4332322132212110;
        return ((table >> (4 * (suites & 15))) & 15) + ((table >> (4 * (suites >> 4))) & 15);
    }

    // ---- §4 outcomes

    function entry(uint64 sequence, bytes32 digest_, uint8 status, uint32 reason) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_OUTCOME, sequence, digest_, status, reason));
    }

    // ---- §5 what is signed

    function headLeaf(bytes32 log, uint64 count, bytes32 running) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_HEAD, log, count, running));
    }

    function rulingLeaf(
        bytes32 log,
        uint64 from,
        uint64 to,
        bytes32 running,
        uint8 status,
        uint32 rule,
        uint64 policyVersion
    ) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_RULING, log, from, to, running, status, rule, policyVersion));
    }

    function closeLeaf(bytes32 lane, uint64 last, bytes32 running, uint32 nextGeneration)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(TAG_CLOSE, lane, last, running, nextGeneration));
    }

    /// The caller checks that members ascend strictly by (operator, key).
    function membersHash(Member[] memory members) internal pure returns (bytes32) {
        bytes memory list;
        for (uint256 i = 0; i < members.length; i++) {
            list = abi.encodePacked(list, members[i].operator, members[i].side, account(members[i].key));
        }
        return keccak256(abi.encodePacked(TAG_MEMBERS, uint16(members.length), list));
    }

    function epochLeaf(
        bytes32 chain_,
        bytes32 registry,
        uint64 epoch,
        uint16 quorum,
        uint64 overlap,
        bytes32 membersHash_
    ) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_EPOCH, chain_, registry, epoch, quorum, overlap, membersHash_));
    }

    function node(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        (a, b) = a < b ? (a, b) : (b, a);
        return keccak256(abi.encodePacked(TAG_NODE, a, b));
    }

    function signed(bytes32 networkId, bytes32 root) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(TAG_SIGNED, networkId, root));
    }
}
