/*
 * What the files of relay/core offer each other; nobody outside includes this. One section a file.
 */
#ifndef RELAY_CORE_PARTS_H
#define RELAY_CORE_PARTS_H

#include "proofs/agreement.h"
#include "relay/core/state.h"

/* ---- actions.c ---- */
/* Memory that lives until the next step. Aborts when there is none: nothing unsaved is ever promised. */
void *core_scratch(struct relay_core *core, size_t len);
struct bytes core_keep(struct relay_core *core, struct bytes bytes); /* a copy in scratch */
void *core_alloc(void *old, size_t count, size_t size);              /* realloc that aborts on failure */
struct relay_action *core_act(struct relay_core *core, enum relay_action_type type);
void core_put(struct relay_core *core, enum store_family family, struct bytes key, struct bytes value);
void core_delete(struct relay_core *core, enum store_family family, struct bytes key);
void core_delete_range(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to);
/* Notes: one log line, one counter; held, refused and dropped ones (warning and above) also go into the audit. */
void core_note(struct relay_core *core, enum relay_level level, enum relay_reason reason, const struct core_log *log,
               uint64_t sequence, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Ends a connector that broke a rule; the text says which, and where: its operator sees it in `isthmus sources`. */
void core_ban(struct relay_core *core, uint16_t source, const char *format, ...) __attribute__((format(printf, 3, 4)));
void core_actions_begin(struct relay_core *core);
void core_actions_end(struct relay_core *core); /* turns the gathered ops into one WRITE */
void core_actions_free(struct relay_core *core);
struct core_load *core_load_new(struct relay_core *core, enum store_family family, struct bytes from, struct bytes to);
struct core_load *core_load_find(struct relay_core *core, uint64_t id);

/* ---- log.c ---- */
struct core_log *core_log_by_id(struct relay_core *core, const uint8_t id[32]);
struct core_log *core_log_of(struct relay_core *core, uint16_t lane, uint8_t kind);
const struct topology_lane *core_lane(const struct relay_core *core, const struct core_log *log);
/* The largest payload that a record of the log may carry: what the document says, and no less than every outbox takes. */
size_t core_payload_max(const struct relay_core *core, const struct core_log *log);
/* Running hash at number; NULL when it is below the base or beyond what is stored. Kind 3 looks into kind 2. */
const uint8_t *core_log_running(const struct relay_core *core, const struct core_log *log, uint64_t number);
/* Index of the first segment that holds a number at or beyond `from`; segments_len when none does. */
size_t core_log_segment_at(const struct core_log *log, uint64_t from);
/* Up to where the records here are beyond doubt: proven, or led to by a certificate. What lies beyond are claims, which one
 * operator alone may have made up: a certificate for a greater number says nothing of them. */
uint64_t core_log_confirmed(const struct core_log *log);
/* What lacks here are outcomes that a peer has pruned: they are given in one piece, however small the lane's window is, and
 * taken so under a certificate, as many as a log may hold; they leave again with their messages. So do those that follow a
 * piece that filled the window: messages wait for them, our signer too, and nothing leaves before it has signed. */
bool core_log_history(const struct relay_core *core, const struct core_log *log);
/* There are such claims, and a certificate for a greater number to which they may not lead. */
bool core_log_doubtful(const struct core_log *log);
const uint8_t *core_log_digest(const struct core_log *log, uint64_t number);
/* Appends records whose entries are given; writes segments. Window and order were checked by the caller. */
void core_log_append(struct relay_core *core, struct core_log *log, const struct core_staged *records, size_t count,
                     const uint8_t *bytes, size_t start, uint8_t origin, uint16_t peer);
/* Puts back what the store holds, at start; the caller checked that it follows. */
void core_log_restore(struct core_log *log, const struct core_staged *records, size_t count,
                      const struct core_segment *segment);
/* Its records are pushed, or go: they leave memory. */
void core_log_pushed(struct core_log *log, struct core_segment *segment);
/* Drops records above number (claims that a certificate contradicts). */
void core_log_truncate(struct relay_core *core, struct core_log *log, uint64_t number);
/* True while the row of a segment that was cut has still to be written anew: nothing is appended, so rows never overlap. */
bool core_log_cut_mends(struct relay_core *core, struct core_log *log);
void core_log_cut_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);
void core_log_free_stage(struct core_log *log);
void core_log_mark(struct relay_core *core, struct core_log *log); /* run its stages again */
/* The same for every log that is at home on a chain. */
void core_log_mark_home(struct relay_core *core, uint16_t chain);
void core_log_freeze(struct relay_core *core, struct core_log *log, enum relay_reason reason, uint64_t sequence,
                     const char *text);
void core_log_fini(struct core_log *log);
/* What may lie beyond the base at most: the lane's window, or less where its smallest records would be too many. */
uint64_t core_log_window(const struct relay_core *core, const struct core_log *log);
size_t core_log_room(const struct relay_core *core, const struct core_log *log); /* bytes left in the window */
/* Reads count records of the log's kind at the cursor, numbered from `from`, into entries that follow `running` (not inside
 * out). False: result says which (at: its number) and why; what was read before it is of no use. */
bool core_records_read(struct core_staged *out, size_t count, const struct relay_core *core, const struct core_log *log,
                       struct codec_reader *reader, uint64_t from, const uint8_t running[32],
                       struct proof_result *result);
/* True when each has the payload that it was sent with. Whoever tells of a message may leave it out and show the true digest;
 * what was stored so would never be asked for again, and never be executed. */
bool core_records_whole(const struct core_staged *records, size_t count);

/* ---- chain.c, ingest.c ---- */
void core_source_event(struct relay_core *core, const struct relay_event *event);
void core_source_verified(struct relay_core *core, struct relay_verify_job *job);
void core_chain_tick(struct relay_core *core);
/* The source did not hold what it said: after a few times another one takes its place. */
void core_chain_blame(struct relay_core *core, uint16_t source, bool at_once, const char *why);
/* A source that submits tells where its chain stands now, and when that changes. */
void core_chain_positions(struct relay_core *core, uint16_t source);
/* Its place among its chain's sources: its bit wherever they are counted. RELAY_SOURCES_MAX: not one of them. */
size_t core_chain_place(const struct core_chain *chain, uint16_t source);

/* ---- evidence.c ---- */
void core_evidence_take(struct relay_core *core, uint16_t source, const struct connector_evidence *message,
                        struct bytes whole);
struct core_evidence *core_evidence_new(const struct relay_core *core, uint16_t source, struct bytes bytes);
/* The same of a chain; source RELAY_NO_SOURCE: a peer told it. */
struct core_evidence *core_evidence_of(const struct relay_core *core, uint16_t chain, uint16_t source,
                                       struct bytes bytes);
/* A job that is given out with this step; the caller says what it verifies. */
struct relay_verify_job *core_evidence_job(struct relay_core *core, struct core_evidence *evidence);
/* Not taken: its logs ask for it again, so that none is left waiting. */
void core_evidence_forget(struct relay_core *core, struct core_evidence *evidence);
/* It proved nothing: refused, and its source restarted. */
void core_evidence_disprove(struct relay_core *core, const struct core_evidence *evidence,
                            const struct proof_result *result);
void core_evidence_release(struct core_evidence *evidence);
/* It proved nothing, or something else than the truth: the source is marked and the bytes go to its operator. why: static. */
void core_evidence_refuse(struct relay_core *core, const struct core_evidence *evidence, uint16_t source,
                          const char *why);
void core_evidence_apply(struct relay_core *core, struct core_evidence *evidence);
void core_ingest_subscribe(struct relay_core *core, struct core_log *log, uint16_t source);
void core_ingest_records(struct relay_core *core, uint16_t source, const struct connector_records *records);
void core_ingest_credit(struct relay_core *core, struct core_log *log);
/* True when nothing more of this log can be proven here before its window, of kind 3 that of kind 2, has room. */
bool core_ingest_full(const struct relay_core *core, const struct core_log *log);
void core_ingest_again(struct relay_core *core, struct core_log *log);
void core_to_source(struct relay_core *core, uint16_t source, const struct connector_message *message);
void core_connector_lane(struct connector_lane *out, const struct relay_core *core, const struct topology_lane *lane);
size_t core_chain_up(const struct relay_core *core, uint16_t chain);

/* ---- agree.c ---- */
/* This source says this header; what others say of the height. */
void core_agree_note(struct relay_core *core, uint16_t source, uint64_t height, const uint8_t hash[32]);
const struct core_statement *core_agree_said(const struct relay_core *core, uint16_t chain, uint64_t height);
/* Whether these statements on a height agree, as the chain's document demands. */
enum proof_verdict core_agree_over(const struct relay_core *core, uint16_t chain, uint64_t height,
                                   const struct core_statement *statement, struct proof_agreement_fact *fact,
                                   struct proof_result *result);
/* Verified evidence of the source that serves waits until its header is agreed on. Takes the reference. */
void core_agree_pend(struct relay_core *core, struct core_evidence *evidence);
/* Takes what is agreed on by now of what waits. */
void core_agree(struct relay_core *core, uint16_t chain);
/* Asks the sources that are up for the headers of what waits. */
void core_agree_ask(struct relay_core *core, uint16_t chain);
/* Nothing waits any more. */
void core_agree_drop(struct core_chain *chain);

/* ---- finality.c ---- */
/* An agreed header: it moves the chain's mark forwards or repeats it; false: it shows that finality was broken. */
bool core_finality_advance(struct relay_core *core, uint16_t chain, const struct proof_eth_evidence_fact *fact);
/* This source says that what was final is gone. */
void core_finality_broken(struct relay_core *core, uint16_t source);
/* After a start the sources say once more which header stands where the mark of the earlier life is. */
void core_finality_ask(struct relay_core *core, uint16_t chain);
void core_finality_said(struct relay_core *core, uint16_t source, uint64_t height, const uint8_t hash[32]);

/* ---- attest.c ---- */
void core_signer_event(struct relay_core *core, const struct relay_event *event);
/* True when a signature of this relay's own signer. */
bool core_key_is_own(const struct relay_core *core, const uint8_t key_id[32]);
/* A peer shows a head that our operator signed and that lies beyond all we know of: the guard must be there, too. */
void core_attest_own(struct relay_core *core, struct core_log *log, const struct proof_head *head);

/* ---- gather.c ---- */
const struct topology_epoch *core_epoch(const struct relay_core *core, const struct core_log *log);
/* The epoch that knows this key, the current one or, while they overlap, the one before it, and whose it is there; or NULL. */
const struct topology_epoch *core_epoch_of_key(const struct relay_core *core, const struct core_log *log,
                                               const uint8_t key_id[32], uint16_t *operator_number);
/* Our signer's words of this log are kept and counted: its registry knows the key, and the operator is not expelled. */
bool core_gather_counts(const struct relay_core *core, const struct core_log *log);
enum core_word { CORE_WORD_KNOWN, CORE_WORD_NEWS, CORE_WORD_FALSE };
/* asked: it came in an answer, where a peer may show the head at which this relay can join. NEWS: it is told on. FALSE: it has
 * a leaf that nobody signed, which no honest relay tells: what else it is said to cover was not looked at. */
enum core_word core_gather_item(struct relay_core *core, const struct proof_item_attestation *item, uint16_t peer,
                                bool asked);
/* Certified, and nobody need sign it again: settled, or certified by the newest epoch, too. A certificate of the one before is
 * worth nothing any more once the registry's overlap is over. */
bool core_gather_stands(const struct relay_core *core, const struct core_log *log, const struct core_head *head);
/* Certified by the newest epoch: all that its registry will want to see of it is here. */
bool core_gather_lasts(const struct relay_core *core, const struct core_log *log, const struct core_head *head);
void core_gather_certify(struct relay_core *core, struct core_log *log);

/* ---- head.c ---- */
struct core_head *core_head_find(const struct core_log *log, uint64_t number, const uint8_t running[32]);
const struct core_attestation *core_head_key(const struct core_head *head, const uint8_t key_id[32]);
const struct core_attestation *core_head_signer(const struct core_head *head, uint16_t operator_number);
/* The hash at this number as our records or a certificate have it; NULL: neither says. */
const uint8_t *core_head_running(const struct relay_core *core, const struct core_log *log, uint64_t number);
/* Keeps one operator's word, which was found true, with its row. */
void core_head_add(struct relay_core *core, struct core_log *log, const struct proof_head *head,
                   const struct proof_item_attestation *item, struct bytes path, uint16_t operator_number);
/* Puts back what the store holds, at start. */
void core_head_restore(struct relay_core *core, struct core_log *log, uint64_t number, const uint8_t key_id[32],
                       bool second, const struct keys_head *value);
/* A head at this number is kept; at this number, found in an answer, this relay could begin. */
bool core_head_needed(const struct core_log *log, uint64_t number);
bool core_head_joins(const struct core_log *log, uint64_t number);
/* There is room for this operator's word beyond the certified head, or one of its own made room. known: the head, if it is here. */
bool core_head_admit(struct relay_core *core, struct core_log *log, const struct core_head *known,
                     uint16_t operator_number, bool own, uint64_t number);
/* Drops what is needed no more. */
void core_head_prune(struct relay_core *core, struct core_log *log);
/* One word as an item, with its path. */
void core_head_pack(struct codec_pack *pack, const struct core_log *log, const struct core_head *head,
                    const struct core_attestation *attestation);

/* ---- hear.c ---- */
/* True when peers have said which heads of this log they have; until then it asks them. */
bool core_hear(struct relay_core *core, struct core_log *log);
/* False when this was none of its asks. answered: the peer said what it has. */
bool core_hear_answered(struct relay_core *core, uint64_t ask, bool answered);
void core_hear_tick(struct relay_core *core);

/* ---- pull.c ---- */
/* Sends an ask; bytes 0: heads only. Returns its id. */
uint64_t core_ask(struct relay_core *core, const struct core_log *log, uint16_t peer, uint64_t from, uint64_t to,
                  size_t bytes);
/* Asks peers for what lacks here; says what the log waits for. */
enum relay_cause core_pull(struct relay_core *core, struct core_log *log);
bool core_pull_waits(const struct core_log *log); /* something lacks, here or as a peer says */
void core_pull_named(struct relay_core *core, struct core_log *log, uint16_t peer, const struct proof_item_log *entry);
/* What lacks is asked for now, and the pauses after it begin anew. */
void core_pull_go_on(const struct relay_core *core, struct core_log *log);
/* A neighbour that was away is up again. */
void core_pull_back(struct relay_core *core, uint16_t peer);
/* This ask was answered, or failed; what the answer brought was taken before. */
void core_pull_answered(struct relay_core *core, uint16_t peer, uint64_t ask);

/* ---- claim.c, gossip.c, answer.c ---- */
void core_claim_frame(struct relay_core *core, struct bytes body, uint16_t peer, uint64_t ask);
void core_gossip_event(struct relay_core *core, const struct relay_event *event);
void core_gossip_tick(struct relay_core *core);
void core_gossip_committed(struct relay_core *core);
void core_gossip_queue(struct relay_core *core, uint16_t log, uint16_t from_peer, struct bytes raw);
void core_gossip_tell(struct relay_core *core, uint16_t from_peer, struct bytes raw); /* with the next frames */
void core_gossip_push(struct relay_core *core, struct core_log *log);
void core_gossip_heard(struct relay_core *core, uint16_t peer, const struct proof_item_heartbeat *item);
void core_gossip_refused(struct relay_core *core, uint16_t peer, uint64_t ask, const struct proof_item_refusal *item);
void core_answer_send(struct relay_core *core, uint16_t peer, uint64_t request, struct bytes items, uint32_t count);
void core_answer_asked(struct relay_core *core, const struct relay_event *event);
void core_answer_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);

/* ---- deliver.c, settle.c, start.c ---- */
void core_deliver_position(struct relay_core *core, uint16_t source, const struct connector_position_is *position);
void core_deliver_result(struct relay_core *core, uint16_t source, const struct connector_result *result);
void core_deliver_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);
/* The relay whose turn it is to submit what begins at number. */
uint16_t core_deliver_turn(const struct relay_core *core, const struct core_log *log, uint64_t number);
void core_deliver_reset(struct relay_core *core, uint16_t chain);
void core_settle_apply(struct relay_core *core, struct core_log *outcomes);
void core_settle_prune(struct relay_core *core, struct core_log *log);
void core_start_loaded(struct relay_core *core, struct core_load *load, const struct relay_event *event);
void core_log_row_write(struct relay_core *core, struct core_log *log);

#endif
