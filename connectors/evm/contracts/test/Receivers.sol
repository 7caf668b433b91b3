// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReceiver} from "../Inbox.sol";

/// A receiver that does to the inbox what receivers have been seen to do. `mode` is set by the test.
contract Trickster is IReceiver {
    enum Mode {
        ACCEPT,
        REVERT,
        BURN, // all gas, in a loop
        INVALID, // the invalid opcode
        BOMB, // 256 KiB of return data
        BOMB_REVERT, // the same, reverting
        CALL, // calls `target` with `data`, and reverts if that succeeds
        DESTROY, // self-destructs
        NEED // reverts unless it got `need` gas
    }

    Mode public mode;
    address public target;
    bytes public data;
    uint256 public need;
    uint64 public calls;
    bytes public answer; // of the last inner call

    error Unwilling();
    error InnerCallSucceeded();

    function set(Mode mode_, address target_, bytes calldata data_, uint256 need_) external {
        (mode, target, data, need) = (mode_, target_, data_, need_);
    }

    function onMessage(bytes32, bytes32, bytes32, uint64, uint8, uint32, uint256, bytes calldata) external {
        _act(gasleft());
    }

    function onCommitment(bytes32, bytes32, bytes32, uint64, uint32, uint256, bytes32) external {
        _act(gasleft());
    }

    function _act(uint256 gas) private {
        Mode m = mode;
        calls++;
        if (m == Mode.REVERT) revert Unwilling();
        if (m == Mode.BURN) while (true) calls++;
        if (m == Mode.INVALID) {
            assembly {
                invalid()
            }
        }
        if (m == Mode.BOMB || m == Mode.BOMB_REVERT) {
            assembly {
                if eq(m, 4) { return(0, 0x40000) }
                revert(0, 0x40000)
            }
        }
        if (m == Mode.CALL) {
            bytes memory inner = data;
            (bool success, bytes memory returned) = target.call(inner);
            answer = returned;
            if (success) revert InnerCallSucceeded();
        }
        if (m == Mode.DESTROY) {
            assembly {
                selfdestruct(0)
            }
        }
        if (m == Mode.NEED && gas < need) revert Unwilling();
    }
}
