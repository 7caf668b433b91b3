/*
 * Spending by the hour (spend.h).
 */
#include "connectors/evm/spend.h"

#include <inttypes.h>
#include <stdio.h>

static const uint64_t HOUR_MS = 3600000, GWEI = 1000000000;

uint64_t evm_spend_plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Empties the hours that ended since. */
static void roll(struct evm_spend *spend, uint64_t now)
{
    for (uint64_t i = 0; spend->hour < now / HOUR_MS && i < EVM_SPEND_HOURS; i++)
        spend->hours[++spend->hour % EVM_SPEND_HOURS] = 0;
    if (spend->hour < now / HOUR_MS) /* all were emptied */
        spend->hour = now / HOUR_MS;
}

void evm_spend_add(struct evm_spend *spend, uint64_t now, uint64_t gwei)
{
    roll(spend, now);
    uint64_t *hour = &spend->hours[spend->hour % EVM_SPEND_HOURS];
    *hour = evm_spend_plus(*hour, gwei);
}

uint64_t evm_spend_sum(struct evm_spend *spend, uint64_t now)
{
    uint64_t sum = 0;
    roll(spend, now);
    for (uint64_t i = 0; i < EVM_SPEND_HOURS; i++)
        sum = evm_spend_plus(sum, spend->hours[i]);
    return sum;
}

uint64_t evm_spend_cost(uint64_t gas, uint64_t price)
{
    const uint64_t whole = price / GWEI, rest = price % GWEI;
    if (gas > UINT64_MAX / GWEI - 1 || (whole && gas > UINT64_MAX / whole))
        return UINT64_MAX;
    return evm_spend_plus(gas * whole, (gas * rest + GWEI - 1) / GWEI);
}

void evm_spend_text(char out[32], uint64_t gwei)
{
    snprintf(out, 32, "%" PRIu64 "%s", gwei, gwei ? "000000000" : "");
}
