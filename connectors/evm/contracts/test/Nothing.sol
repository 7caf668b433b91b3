// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A receiver that takes everything and does nothing: what is left is the inbox's own price.
contract Nothing {
    fallback() external {}
}
