/* What a step gives back: memory that lives until the next step, the list of actions, the one write of the step. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

struct core_arena {
    struct core_arena *next;
    size_t used, cap;
    _Alignas(16) uint8_t data[];
};

enum { ARENA_CHUNK = 64 * 1024 };

void *core_alloc(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count, size);
    /* Nothing is promised before it is committed, so ending here loses nothing that was said (I2). */
    assert(memory != NULL || count == 0 || size == 0);
    return memory;
}

void *core_scratch(struct relay_core *core, size_t len)
{
    size_t rounded = (len + 15) & ~(size_t)15;
    struct core_arena *arena = core->arena;
    if (arena == NULL || arena->cap - arena->used < rounded) {
        size_t cap = rounded > ARENA_CHUNK ? rounded : ARENA_CHUNK;
        arena = core_alloc(NULL, 1, sizeof(*arena) + cap);
        *arena = (struct core_arena){.next = core->arena, .cap = cap};
        core->arena = arena;
    }
    void *memory = arena->data + arena->used;
    arena->used += rounded;
    return memory;
}

struct bytes core_keep(struct relay_core *core, struct bytes bytes)
{
    if (bytes.len == 0)
        return (struct bytes){NULL, 0};
    uint8_t *copy = core_scratch(core, bytes.len);
    memcpy(copy, bytes.data, bytes.len);
    return (struct bytes){copy, bytes.len};
}

/* Keeps the one ordinary chunk for the next step and gives back the rest. */
static void arena_reset(struct relay_core *core)
{
    struct core_arena *kept = NULL;
    while (core->arena != NULL) {
        struct core_arena *arena = core->arena;
        core->arena = arena->next;
        if (kept == NULL && arena->cap == ARENA_CHUNK) {
            kept = arena;
            kept->used = 0;
            kept->next = NULL;
        } else {
            free(arena);
        }
    }
    core->arena = kept;
}

struct relay_action *core_act(struct relay_core *core, enum relay_action_type type)
{
    if (core->actions_len == core->actions_cap) {
        core->actions_cap = core->actions_cap ? 2 * core->actions_cap : 64;
        core->actions = core_alloc(core->actions, core->actions_cap, sizeof(*core->actions));
    }
    struct relay_action *action = &core->actions[core->actions_len++];
    *action = (struct relay_action){.type = type, .source = RELAY_NO_SOURCE, .lane = 0xffff};
    return action;
}

static struct relay_op *op_new(struct relay_core *core, enum relay_op_type type, enum store_family family,
                               struct bytes key, struct bytes value)
{
    if (core->ops_len == core->ops_cap) {
        core->ops_cap = core->ops_cap ? 2 * core->ops_cap : 64;
        core->ops = core_alloc(core->ops, core->ops_cap, sizeof(*core->ops));
    }
    struct relay_op *op = &core->ops[core->ops_len++];
    *op = (struct relay_op){type, family, core_keep(core, key), core_keep(core, value)};
    return op;
}

void core_put(struct relay_core *core, enum store_family family, struct bytes key, struct bytes value)
{
    op_new(core, RELAY_OP_PUT, family, key, value);
}

void core_delete(struct relay_core *core, enum store_family family, struct bytes key)
{
    op_new(core, RELAY_OP_DELETE, family, key, (struct bytes){NULL, 0});
}

void core_delete_range(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to)
{
    op_new(core, RELAY_OP_DELETE_RANGE, family, from, to);
}

/* The audit is a ring of CORE_AUDIT_ROWS rows: enough to explain, never more than a few MiB. */
static void audit_write(struct relay_core *core, enum relay_level level, enum relay_reason reason,
                        const struct core_log *log, uint64_t sequence, const char *text)
{
    uint8_t key[KEYS_AUDIT_BYTES], value[KEYS_SMALL_VALUE_MAX];
    struct codec_writer writer;
    const char *name = relay_reason_text(reason);
    codec_writer_init(&writer, value, sizeof(value));
    keys_audit_write(&writer, &(struct keys_audit){
                                  .time = core->unix_time * 1000,
                                  .level = (uint8_t)level,
                                  .lane = log ? log->lane : 0xffff,
                                  .sequence = sequence,
                                  .reason = {(const uint8_t *)name, strlen(name)},
                                  .text = {(const uint8_t *)text, strlen(text)},
                              });
    keys_audit_key(key, core->audit_next);
    core_put(core, STORE_AUDIT, BYTES_OF(key), codec_writer_bytes(&writer));
    if (core->audit_next >= CORE_AUDIT_ROWS) {
        keys_audit_key(key, core->audit_next - CORE_AUDIT_ROWS);
        core_delete(core, STORE_AUDIT, BYTES_OF(key));
    }
    core->audit_next++;
}

void core_note(struct relay_core *core, enum relay_level level, enum relay_reason reason, const struct core_log *log,
               uint64_t sequence, const char *format, ...)
{
    char *text = core_scratch(core, CORE_NOTE_TEXT);
    va_list args;
    va_start(args, format);
    vsnprintf(text, CORE_NOTE_TEXT, format, args);
    va_end(args);
    core->counters[reason]++;
    /* One row a reason and second is enough for the audit: a flood must not push out what came before it. */
    if (level >= RELAY_WARNING && core->ready && core->audited_at[reason] != core->unix_time) {
        core->audited_at[reason] = core->unix_time;
        audit_write(core, level, reason, log, sequence, text);
    }
    struct relay_action *action = core_act(core, RELAY_ACTION_NOTE);
    action->level = level;
    action->reason = relay_reason_text(reason);
    action->text = text;
    action->lane = log ? log->lane : 0xffff;
    action->sequence = sequence;
}

void core_ban(struct relay_core *core, uint16_t source, const char *format, ...)
{
    char *text = core_scratch(core, CORE_NOTE_TEXT);
    va_list args;
    va_start(args, format);
    vsnprintf(text, CORE_NOTE_TEXT, format, args);
    va_end(args);
    struct relay_action *action = core_act(core, RELAY_ACTION_BAN_SOURCE);
    action->source = source;
    action->text = text;
}

struct core_load *core_load_new(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to)
{
    for (size_t i = 0; i < CORE_LOADS_MAX; i++) {
        struct core_load *load = &core->loads[i];
        if (load->id != 0)
            continue;
        *load = (struct core_load){.id = ++core->next_id, .family = family};
        struct relay_action *action = core_act(core, RELAY_ACTION_LOAD);
        action->id = load->id;
        action->family = family;
        action->from = core_keep(core, from);
        action->to = core_keep(core, to);
        return load;
    }
    return NULL;
}

struct core_load *core_load_find(struct relay_core *core, uint64_t id)
{
    for (size_t i = 0; i < CORE_LOADS_MAX; i++) {
        if (core->loads[i].id == id && id != 0)
            return &core->loads[i];
    }
    return NULL;
}

void core_actions_begin(struct relay_core *core)
{
    arena_reset(core);
    core->actions_len = 0;
    core->ops_len = 0;
}

void core_actions_end(struct relay_core *core)
{
    if (core->ops_len == 0 || core->halted)
        return;
    struct relay_action *action = core_act(core, RELAY_ACTION_WRITE);
    action->id = core->write_id++;
    action->ops = core->ops;
    action->ops_len = core->ops_len;
}

void core_actions_free(struct relay_core *core)
{
    arena_reset(core);
    free(core->arena);
    free(core->actions);
    free(core->ops);
}
