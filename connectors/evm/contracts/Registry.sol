// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Formats, Member} from "./Formats.sol";

/// One operator's signature over the root of a tree that holds the leaf (docs/formats.md §5).
struct Attestation {
    bytes32[] path; // siblings from the leaf up, 0..16
    bytes32 r;
    bytes32 vs; // y parity in the highest bit, s below (EIP-2098)
}

/// Attestations over one leaf, all by members of one epoch.
struct Certificate {
    uint64 epoch;
    Attestation[] attestations;
}

interface IRegistry {
    /// Reverts unless at least `quorum` distinct operators of the certificate's epoch signed the leaf.
    function verify(bytes32 leaf, Certificate calldata certificate) external view;
    /// As verify; and more than half of the operators of every side must have signed.
    function verifyClose(bytes32 leaf, Certificate calldata certificate) external view;
}

/// The chain's attester registry: who may sign for the lanes that begin or end here.
///
/// Members change in two ways only: a certificate by a quorum of the current epoch (rotate), or the recovery address
/// after a delay in which every rotation cancels it. The contract calls nobody and has no other door, so no message can
/// change who signs.
contract Registry is IRegistry {
    uint256 public constant MAX_OPERATORS = 64;
    uint256 public constant MAX_MEMBERS = 128;
    uint256 public constant MAX_SIDES = 16;
    uint256 public constant MAX_PATH = 16;
    uint64 public constant MAX_OVERLAP = 30 days;
    uint64 public constant MIN_RECOVERY_DELAY = 1 days;
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    struct Epoch {
        uint16 quorum;
        uint8 operators;
        bytes32 members; // hash of the list (§5)
        uint64[] sides; // for every side, the seats of its operators as bits
    }

    struct Seat {
        uint8 seat; // 1..64, one for each operator; 0: the key is not in the epoch
        uint8 side;
        uint16 operator;
    }

    bytes32 public immutable network;
    bytes32 public immutable chain;
    address public immutable recovery;
    uint64 public immutable recoveryDelay;
    uint256 private immutable chainId;

    uint64 public current; // the epoch that may rotate and sign
    uint64 public overlapEnd; // epoch current - 1 signs, too, while block.timestamp < overlapEnd
    uint64 public recoveryEpoch; // the epoch that the proposed recovery would begin; dead once current reaches it
    uint64 public recoveryTime; // earliest block time of its execution
    bytes32 public recoveryHash; // epoch leaf of the proposed recovery
    mapping(uint64 epoch => Epoch) private epochs;
    mapping(uint64 epoch => mapping(address key => Seat)) public seats;

    event EpochStarted(uint64 indexed epoch, uint16 quorum, uint64 overlap, bool recovered, Member[] members);
    event RecoveryProposed(uint64 indexed epoch, uint16 quorum, uint64 executableAt, Member[] members);

    error WrongChain();
    error EpochNotValid(uint64 epoch);
    error EpochNotNext(uint64 epoch);
    error TooManyAttestations(uint256 count);
    error PathTooLong(uint256 length);
    error SignatureNotCanonical(uint256 index);
    error SignerUnknown(uint256 index, address signer);
    error QuorumMissing(uint256 signed, uint256 needed);
    error SideMissing(uint256 side, uint256 signed, uint256 operators);
    error MembersCount(uint256 count);
    error MembersNotAscending(uint256 index);
    error MemberKeyInvalid(uint256 index);
    error MemberSideDiffers(uint256 index);
    error OperatorsCount(uint256 count);
    error SidesCount(uint256 count);
    error QuorumOutOfRange(uint256 quorum, uint256 operators);
    error OverlapTooLong(uint64 overlap);
    error RecoveryDelayTooShort(uint64 delay);
    error NotRecovery(address caller);
    error RecoveryNotProposed();
    error RecoveryTooEarly(uint64 executableAt);

    /// Begins epoch 1. `recovery_` zero: there is no recovery, ever.
    constructor(
        bytes32 network_,
        bytes32 genesis,
        uint16 quorum,
        Member[] memory members,
        address recovery_,
        uint64 recoveryDelay_
    ) {
        if (recovery_ != address(0) && recoveryDelay_ < MIN_RECOVERY_DELAY) revert RecoveryDelayTooShort(recoveryDelay_);
        network = network_;
        chainId = block.chainid;
        chain = Formats.chain(Formats.caip2(block.chainid), genesis);
        recovery = recovery_;
        recoveryDelay = recoveryDelay_;
        _begin(1, quorum, 0, members, false);
    }

    // ---- reading

    function epochInfo(uint64 epoch) external view returns (uint16 quorum, uint8 operators, bytes32 members, bool valid) {
        Epoch storage e = epochs[epoch];
        return (e.quorum, e.operators, e.members, _valid(epoch));
    }

    /// @inheritdoc IRegistry
    function verify(bytes32 leaf, Certificate calldata certificate) external view {
        _verify(leaf, certificate);
    }

    /// @inheritdoc IRegistry
    function verifyClose(bytes32 leaf, Certificate calldata certificate) external view {
        uint64 signers = _verify(leaf, certificate);
        uint64[] storage sides = epochs[certificate.epoch].sides;
        for (uint256 i = 0; i < sides.length; i++) {
            uint256 have = Formats.popcount(signers & sides[i]);
            uint256 all = Formats.popcount(sides[i]);
            if (2 * have <= all) revert SideMissing(i, have, all);
        }
    }

    // ---- changing

    /// Begins the next epoch, by a certificate of the current one. The current one goes on signing for `overlap` seconds;
    /// the one before it ends now. A proposed recovery falls.
    function rotate(
        uint64 epoch,
        uint16 quorum,
        uint64 overlap,
        Member[] calldata members,
        Certificate calldata certificate
    ) external {
        if (epoch != current + 1) revert EpochNotNext(epoch);
        if (overlap > MAX_OVERLAP) revert OverlapTooLong(overlap);
        if (certificate.epoch != current) revert EpochNotValid(certificate.epoch);
        _verify(_leaf(epoch, quorum, overlap, members), certificate);
        _begin(epoch, quorum, overlap, members, false);
    }

    /// Announces new members for the next epoch. A second proposal replaces the first and waits anew.
    function proposeRecovery(uint16 quorum, Member[] calldata members) external {
        if (msg.sender != recovery) revert NotRecovery(msg.sender);
        uint64 epoch = current + 1;
        recoveryEpoch = epoch;
        recoveryTime = uint64(block.timestamp) + recoveryDelay;
        recoveryHash = _leaf(epoch, quorum, 0, members);
        emit RecoveryProposed(epoch, quorum, recoveryTime, members);
    }

    /// Begins the announced epoch after the delay, by anyone; the old epochs end at once.
    function executeRecovery(uint16 quorum, Member[] calldata members) external {
        uint64 epoch = current + 1;
        if (recoveryEpoch != epoch || recoveryHash != _leaf(epoch, quorum, 0, members)) revert RecoveryNotProposed();
        if (block.timestamp < recoveryTime) revert RecoveryTooEarly(recoveryTime);
        _begin(epoch, quorum, 0, members, true);
    }

    // ---- inside

    function _valid(uint64 epoch) private view returns (bool) {
        if (epoch == current) return true;
        return epoch != 0 && epoch == current - 1 && block.timestamp < overlapEnd;
    }

    function _leaf(uint64 epoch, uint16 quorum, uint64 overlap, Member[] calldata members)
        private
        view
        returns (bytes32)
    {
        if (members.length == 0 || members.length > MAX_MEMBERS) revert MembersCount(members.length);
        bytes32 list = Formats.membersHash(members);
        return Formats.epochLeaf(chain, Formats.account(address(this)), epoch, quorum, overlap, list);
    }

    /// The seats of the operators who signed the leaf, at least a quorum of them.
    function _verify(bytes32 leaf, Certificate calldata certificate) private view returns (uint64 signers) {
        if (block.chainid != chainId) revert WrongChain();
        uint64 epoch = certificate.epoch;
        if (!_valid(epoch)) revert EpochNotValid(epoch);
        uint256 count = certificate.attestations.length;
        if (count > MAX_MEMBERS) revert TooManyAttestations(count);
        for (uint256 i = 0; i < count; i++) {
            address signer = _signer(leaf, certificate.attestations[i], i);
            uint8 seat = seats[epoch][signer].seat;
            if (seat == 0) revert SignerUnknown(i, signer);
            signers |= uint64(1) << (seat - 1);
        }
        uint256 have = Formats.popcount(signers);
        uint256 needed = epochs[epoch].quorum;
        if (have < needed) revert QuorumMissing(have, needed);
    }

    function _signer(bytes32 leaf, Attestation calldata attestation, uint256 index) private view returns (address) {
        uint256 length = attestation.path.length;
        if (length > MAX_PATH) revert PathTooLong(length);
        bytes32 root = leaf;
        for (uint256 i = 0; i < length; i++) root = Formats.node(root, attestation.path[i]);
        uint256 s = uint256(attestation.vs) & (type(uint256).max >> 1);
        if (s > HALF_ORDER) revert SignatureNotCanonical(index);
        uint8 v = uint8(uint256(attestation.vs) >> 255) + 27;
        address signer = ecrecover(Formats.signed(network, root), v, attestation.r, bytes32(s));
        if (signer == address(0)) revert SignatureNotCanonical(index);
        return signer;
    }

    function _begin(uint64 epoch, uint16 quorum, uint64 overlap, Member[] memory members, bool recovered) private {
        (uint256 operators, uint64[] memory sides) = _seat(epoch, members);
        // Two quorums must share an operator, or two certificates could contradict each other without anyone lying.
        if (quorum > operators || 2 * uint256(quorum) <= operators) revert QuorumOutOfRange(quorum, operators);
        epochs[epoch] = Epoch(quorum, uint8(operators), Formats.membersHash(members), sides);
        current = epoch;
        overlapEnd = uint64(block.timestamp) + overlap;
        emit EpochStarted(epoch, quorum, overlap, recovered, members);
    }

    /// Writes the seats of an epoch; returns the number of operators and the seats of every side.
    function _seat(uint64 epoch, Member[] memory members) private returns (uint256 operators, uint64[] memory sides) {
        if (members.length == 0 || members.length > MAX_MEMBERS) revert MembersCount(members.length);
        uint64[] memory masks = new uint64[](MAX_SIDES);
        uint8[] memory names = new uint8[](MAX_SIDES);
        uint256 count = 0;
        for (uint256 i = 0; i < members.length; i++) {
            Member memory m = members[i];
            if (m.key == address(0) || seats[epoch][m.key].seat != 0) revert MemberKeyInvalid(i);
            bool again = i != 0 && members[i - 1].operator == m.operator;
            if (again) {
                if (members[i - 1].key >= m.key) revert MembersNotAscending(i);
                if (members[i - 1].side != m.side) revert MemberSideDiffers(i);
            } else {
                if (i != 0 && members[i - 1].operator > m.operator) revert MembersNotAscending(i);
                if (++operators > MAX_OPERATORS) revert OperatorsCount(operators);
            }
            seats[epoch][m.key] = Seat(uint8(operators), m.side, m.operator);
            uint256 s = 0;
            while (s < count && names[s] != m.side) s++;
            if (s == count) {
                if (++count > MAX_SIDES) revert SidesCount(count);
                names[s] = m.side;
            }
            masks[s] |= uint64(1) << uint64(operators - 1);
        }
        sides = new uint64[](count);
        for (uint256 s = 0; s < count; s++) sides[s] = masks[s];
    }
}
