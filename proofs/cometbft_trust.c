/*
 * Moves, freezing, the bytes of a trust, and the way to a far height.
 */
#include "proofs/cometbft_trust.h"

#include <string.h>

#include "proofs/cometbft_inside.h"

enum { FORM = 1 };

enum proof_verdict proof_cometbft_trust_begin(struct proof_result *result, struct proof_cometbft_trust *trust,
                                              struct proof_cometbft_space *space, struct bytes chain_id, int64_t height,
                                              const uint8_t hash[32], struct cometbft_parts block_in,
                                              const struct proof_cometbft_options *options)
{
    struct proof_cometbft_state first;
    if (proof_cometbft_first_verify(result, &first, space, chain_id, height, hash, block_in, options) != PROOF_VALID)
        return PROOF_INVALID;
    *trust = (struct proof_cometbft_trust){.changes = trust->changes + 1, .latest = first};
    proof_accept(result);
    return PROOF_VALID;
}

enum proof_verdict proof_cometbft_trust_advance(struct proof_result *result, struct proof_cometbft_trust *trust,
                                                struct proof_cometbft_space *space, struct bytes trusted_next,
                                                struct cometbft_parts block_in,
                                                const struct proof_cometbft_options *options)
{
    struct proof_cometbft_state next;
    if (trust->attack != PROOF_COMETBFT_NO_ATTACK)
        return proof_refuse(result, PROOF_REASON_COMETBFT_FROZEN, 0);
    enum proof_verdict verdict =
        proof_cometbft_step_verify(result, &next, space, &trust->latest, trusted_next, block_in, options);
    if (verdict != PROOF_VALID)
        return verdict;
    trust->before = trust->latest;
    trust->latest = next;
    trust->changes++;
    proof_accept(result);
    return PROOF_VALID;
}

void proof_cometbft_trust_freeze(struct proof_cometbft_trust *trust, const struct proof_cometbft_attack_fact *attack)
{
    if (trust->attack != PROOF_COMETBFT_NO_ATTACK || attack->attack == PROOF_COMETBFT_NO_ATTACK)
        return;
    trust->attack = attack->attack;
    trust->attack_height = attack->height;
    trust->changes++;
}

/* ---- bytes ---- */

static void write_state(struct codec_writer *writer, const struct proof_cometbft_state *state)
{
    codec_write_u64(writer, (uint64_t)state->height);
    codec_write_u64(writer, (uint64_t)state->time.seconds);
    codec_write_u32(writer, (uint32_t)state->time.nanos);
    codec_write_bytes(writer, BYTES_OF(state->hash));
    codec_write_bytes(writer, BYTES_OF(state->validators_hash));
    codec_write_bytes(writer, BYTES_OF(state->next_validators_hash));
    codec_write_bytes(writer, BYTES_OF(state->last_block_hash));
    codec_write_bytes(writer, BYTES_OF(state->data_hash));
    codec_write_u16(writer, state->app_hash_len);
    codec_write_bytes(writer, (struct bytes){state->app_hash, state->app_hash_len});
}

void proof_cometbft_trust_write(struct codec_writer *writer, const struct proof_cometbft_trust *trust)
{
    codec_write_u8(writer, FORM);
    codec_write_u64(writer, trust->changes);
    codec_write_u8(writer, trust->latest.chain_id_len);
    codec_write_bytes(writer, (struct bytes){trust->latest.chain_id, trust->latest.chain_id_len});
    codec_write_u8(writer, (uint8_t)trust->attack);
    codec_write_u64(writer, (uint64_t)trust->attack_height);
    write_state(writer, &trust->latest);
    codec_write_u8(writer, trust->before.height > 0);
    if (trust->before.height > 0)
        write_state(writer, &trust->before);
}

static bool read_state(struct proof_cometbft_state *state, struct codec_reader *reader)
{
    state->height = (int64_t)codec_read_u64(reader);
    state->time.seconds = (int64_t)codec_read_u64(reader);
    uint32_t nanos = codec_read_u32(reader);
    state->time.nanos = nanos <= INT32_MAX ? (int32_t)nanos : -1;
    codec_read_copy(state->hash, reader, 32);
    codec_read_copy(state->validators_hash, reader, 32);
    codec_read_copy(state->next_validators_hash, reader, 32);
    codec_read_copy(state->last_block_hash, reader, 32);
    codec_read_copy(state->data_hash, reader, 32);
    state->app_hash_len = codec_read_u16(reader);
    if (state->app_hash_len > COMETBFT_APP_HASH_MAX)
        return false;
    codec_read_copy(state->app_hash, reader, state->app_hash_len);
    return !reader->failed && state->height > 0 && cometbft_time_in_range(state->time) &&
           !codec_bytes_are_zero(state->hash, 32) && !codec_bytes_are_zero(state->validators_hash, 32);
}

static bool read_trust(struct proof_cometbft_trust *trust, struct codec_reader *reader)
{
    if (codec_read_u8(reader) != FORM)
        return false;
    trust->changes = codec_read_u64(reader);
    trust->latest.chain_id_len = codec_read_u8(reader);
    if (trust->changes == 0 || trust->latest.chain_id_len == 0 || trust->latest.chain_id_len > COMETBFT_CHAIN_ID_MAX)
        return false;
    codec_read_copy(trust->latest.chain_id, reader, trust->latest.chain_id_len);
    uint8_t attack = codec_read_u8(reader);
    trust->attack = (enum proof_cometbft_attack)attack;
    trust->attack_height = (int64_t)codec_read_u64(reader);
    if (attack > PROOF_COMETBFT_TIME || (attack == 0 ? trust->attack_height != 0 : trust->attack_height <= 0))
        return false;
    if (!read_state(&trust->latest, reader))
        return false;
    uint8_t has_before = codec_read_u8(reader);
    if (has_before == 0)
        return codec_reader_done(reader);
    memcpy(trust->before.chain_id, trust->latest.chain_id, sizeof trust->before.chain_id);
    trust->before.chain_id_len = trust->latest.chain_id_len;
    return has_before == 1 && read_state(&trust->before, reader) && codec_reader_done(reader) &&
           trust->before.height < trust->latest.height &&
           cometbft_time_compare(trust->before.time, trust->latest.time) < 0;
}

bool proof_cometbft_trust_read(struct proof_cometbft_trust *trust, struct bytes in)
{
    struct codec_reader reader;
    memset(trust, 0, sizeof *trust);
    codec_reader_init(&reader, in);
    if (read_trust(trust, &reader))
        return true;
    memset(trust, 0, sizeof *trust);
    return false;
}

/* ---- far heights ---- */

bool proof_cometbft_bisect_begin(struct proof_cometbft_bisect *bisect, const struct proof_cometbft_trust *trust,
                                 int64_t target)
{
    *bisect = (struct proof_cometbft_bisect){0};
    if (trust->attack != PROOF_COMETBFT_NO_ATTACK || trust->latest.height <= 0 || target <= trust->latest.height)
        return false;
    *bisect = (struct proof_cometbft_bisect){.target = target, .want = target};
    return true;
}

/* The height of a light block; 0 when it cannot be read. */
static int64_t height_of(struct proof_cometbft_space *space, struct cometbft_parts block_in)
{
    struct cometbft_light_block light;
    return cometbft_parts_read(&light, space->room, block_in) ? light.header.height : 0;
}

enum proof_verdict proof_cometbft_bisect_give(struct proof_result *result, struct proof_cometbft_bisect *bisect,
                                              struct proof_cometbft_trust *trust, struct proof_cometbft_space *space,
                                              struct bytes trusted_next, struct cometbft_parts block_in,
                                              const struct proof_cometbft_options *options)
{
    if (bisect->want == 0 || height_of(space, block_in) != bisect->want)
        return proof_refuse(result, PROOF_REASON_COMETBFT_OTHER_HEIGHT, 0);
    enum proof_verdict verdict = proof_cometbft_trust_advance(result, trust, space, trusted_next, block_in, options);
    if (verdict == PROOF_NOT_ENOUGH_TRUST)
        bisect->want = trust->latest.height + (bisect->want - trust->latest.height) / 2;
    if (verdict != PROOF_VALID)
        return verdict;
    bisect->want = trust->latest.height == bisect->target ? 0 : bisect->target;
    proof_accept(result);
    return PROOF_VALID;
}
