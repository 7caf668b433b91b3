/*
 * The control socket: a unix stream socket whose file mode is the authorisation. One JSON object a line in, one out.
 * A request has at most 4 KiB; a client that does not read its answers is cut off; none blocks the loop.
 *
 * Request:  {"command": C, …}
 * Answer:   {"ok": true, …} or {"ok": false, "error": "what was wrong and what to do"}
 *
 * status    {ready, draining, version, pid, uptime_ms, relay, operator,
 *            network: {name, version, hash}, store: {ok, status, writes, groups, bytes, longest_commit_us, queued_bytes},
 *            signer: CHILD or null, sources: {up, total}, peers: {up, total, other_document},
 *            lanes: {total, moving, waiting, frozen},
 *            waiting: [LOG…] only those with a cause, longest first, at most 64,
 *            counters: {reason: count…} non-zero ones, longest_deed_ms: that one thing has held the loop,
 *            healthy, health: what /readyz says, http: its address or null}
 * lanes     {lanes: [{name, id, state, source, destination, ordered, retry, logs: [LOG, LOG, LOG]}…]}
 * peers     {peers: [{relay, zone, operator, linked, up, last_heard_ms, behind, ahead, document_version, document_hash,
 *            bytes_in, asks, asks_failed, redials, refused: {reason: count…}, cut_off_ms}…]}
 * sources   {sources: [{name, chain, operator_tag, network_tag, software_tag, submits, up, newest, final, agreed,
 *            contradictions, refused, refused_reason, silent: height of which it did not say the header in time, so that it
 *            is no witness at present, or 0, balance, account: null or {balance, low, spent, cap, spending: open|near|stopped}, text,
 *            process: CHILD}…]}
 * explain   {"command": "explain", "lane": name or id, "sequence": n}
 *           {lane, sequence, found, stage, seen, stored, stored_at_ms, brought_by, proven, attested, certified,
 *            certified_head, signers: [name…], quorum, delivered, settled, settled_at_ms, pruned, outcome: name or null,
 *            reason, digest, cause, who, since_ms, waits_for_*}   as relay/core/view.h tells it; *_at_ms: Unix, 0 unknown
 * events    {"command": "events", "after": n | "last": n, "lane": name, "reason": text, "level": 0..3}: kept log lines
 *            {events: [{number, time_ms, level, reason, subject, text, left_out}…] at most 256, next: the next `after`,
 *            dropped: lines after `after` that are no longer kept; reasons: those of all lines since the start, only where
 *            the wanted one is not among them and the core gives none such}; an unknown lane is refused
 * reload    reads the configuration again, applies what is safe: {applied: [text…], restart_needed: [text…]}
 * release   {"command": "release", "process": name}: ends a quarantine now
 *
 * LOG:   {lane, kind: "message"|"outcome"|"settlement", id, proven, stored, attested, certified, delivered, settled,
 *         newest_seen, window_used, window, cause, since_ms, waits_for_operator, waits_for_source, waits_for_relay, frozen,
 *         who, cause_name, oldest_at_ms}
 *         cause: relay_cause_text, who: who can act; since_ms: for how long; waits_for_*: a name or null
 * CHILD: {name, state: "stopped"|"up"|"ending"|"backing-off"|"quarantined", pid, starts, crashes, since_ms, retry_ms, text}
 *
 * hash and ids are hex without 0x. Times are milliseconds. Numbers are integers.
 */
#ifndef RELAY_EDGE_CONTROL_H
#define RELAY_EDGE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edge_control;
struct edge_loop;
struct edge_relay;

enum { EDGE_CONTROL_REQUEST_MAX = 4096, EDGE_CONTROL_CLIENTS_MAX = 32, EDGE_CONTROL_ANSWER_MAX = 16 << 20 };

struct edge_control_options {
    struct edge_loop *loop;
    const struct edge_relay *relay; /* what is shown; outlives the control */
    const char *path;               /* of the socket; one left by a dead process is replaced, a live one is refused */
    unsigned mode;                  /* of the socket's file, e.g. 0660 */
    /* Commands that change something; NULL ones are refused. On failure text says why. */
    void *context;
    bool (*reload)(void *context, char *text, size_t cap); /* lines "applied: …" and "restart: …" */
    bool (*release)(void *context, const char *process, char *text, size_t cap);
};

/* NULL on failure; text (capacity cap) says what was wrong, where, and what to do. */
struct edge_control *edge_control_new(const struct edge_control_options *options, char *text, size_t cap);

/* Closes all clients and removes the socket's file. NULL is allowed. */
void edge_control_free(struct edge_control *control);

#endif
