/*
 * What an account spent in the last 24 hours, in gwei (10^9 wei), hour by hour. Pure: the clock is an argument.
 */
#ifndef CONNECTORS_EVM_SPEND_H
#define CONNECTORS_EVM_SPEND_H

#include <stdbool.h>
#include <stdint.h>

enum { EVM_SPEND_HOURS = 24 };

/* Zeroed: nothing was spent. */
struct evm_spend {
    uint64_t hours[EVM_SPEND_HOURS]; /* gwei; hour n lies at n % EVM_SPEND_HOURS */
    uint64_t hour;                   /* the newest one */
};

/* now: milliseconds of a monotonic clock. Sums stop at UINT64_MAX. */
void evm_spend_add(struct evm_spend *spend, uint64_t now, uint64_t gwei);
/* Of this hour and the 23 before it. */
uint64_t evm_spend_sum(struct evm_spend *spend, uint64_t now);

/* gas at price wei each, in gwei, rounded up; UINT64_MAX when it is more than that. */
uint64_t evm_spend_cost(uint64_t gas, uint64_t price);
/* a + b, or UINT64_MAX. */
uint64_t evm_spend_plus(uint64_t a, uint64_t b);

/* The same in wei, decimal. */
void evm_spend_text(char out[32], uint64_t gwei);

#endif
