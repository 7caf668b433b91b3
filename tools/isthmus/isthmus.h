/*
 * Inside of the operator's command: what its subcommands share. Each has one file and one function here.
 */
#ifndef ISTHMUS_TOOLS_ISTHMUS_ISTHMUS_H
#define ISTHMUS_TOOLS_ISTHMUS_ISTHMUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "relay/edge/config.h"
#include "relay/edge/keyfile.h"
#include "tools/verify/json.h"

/* Exit codes of every subcommand. */
enum isthmus_exit { ISTHMUS_OK = 0, ISTHMUS_NOT_OK = 1, ISTHMUS_USAGE = 2, ISTHMUS_UNREACHABLE = 3 };

/* A subcommand: argv[0] is its name. */
struct isthmus_command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: another name, not listed; those stand last */
};

int isthmus_init(int argc, char **argv);
int isthmus_keys(int argc, char **argv);
int isthmus_network(int argc, char **argv);
int isthmus_network_contracts(int argc, char **argv);
int isthmus_config(int argc, char **argv);
int isthmus_status(int argc, char **argv);
int isthmus_lanes(int argc, char **argv);
int isthmus_peers(int argc, char **argv);
int isthmus_sources(int argc, char **argv);
int isthmus_explain(int argc, char **argv);
int isthmus_tail(int argc, char **argv);
int isthmus_top(int argc, char **argv);
int isthmus_decode(int argc, char **argv);

/* Runs the command of a table that argv[1] names; usage and --help list the table. `title` is what stands before it. */
int isthmus_dispatch(const struct isthmus_command *commands, size_t len, const char *title, int argc, char **argv);

/* ---- options (options.c) -------------------------------------------------------------------------------------------- */

/* One option: "--name"; with `value` it takes the next argument, else `flag` is set. A row without a name ends the list. */
struct isthmus_option {
    const char *name;
    const char **value;
    bool *flag;
};

/*
 * Takes the options out of argv; what is left (positional arguments) moves to its front, *left of them, argv[0] not
 * counted. `usage` is printed for --help (returns 0) and after an unknown option (returns 2). Returns -1 to go on.
 */
int isthmus_options(const struct isthmus_option *options, const char *usage, int argc, char **argv, int *left);

/* Prints "isthmus: text" and the usage to stderr; returns ISTHMUS_USAGE. */
int isthmus_misused(const char *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "isthmus: text" to stderr; returns ISTHMUS_NOT_OK. */
int isthmus_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Control characters become '?': what a peer, a node or a document says must not move the terminal. */
void isthmus_clean(char *text);

/* ---- tables (table.c) ----------------------------------------------------------------------------------------------- */

/* Rows of texts, printed in aligned columns under a head; no memory ends the program. */
struct isthmus_table;
struct isthmus_table *isthmus_table_new(const char *const *head, size_t columns);
void isthmus_table_add(struct isthmus_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void isthmus_table_end_row(struct isthmus_table *table); /* fills what is missing */
size_t isthmus_table_rows(const struct isthmus_table *table);
void isthmus_table_print(struct isthmus_table *table); /* and frees it */
void isthmus_table_free(struct isthmus_table *table);

/* A tree of JSON as one line. */
void isthmus_print_json(const struct tools_json *node);

/* "850ms", "12s", "3m12s", "2h05m", "4d03h": for people. */
const char *isthmus_duration(char out[24], uint64_t ms);

/* ---- the daemon (client.c) ------------------------------------------------------------------------------------------ */

#define ISTHMUS_VIEW_OPTIONS "[--socket PATH | --config FILE] [--json]"

/*
 * One view: options of argv, one request to the daemon, its answer. `extra` is what stands in the request beside the
 * command ("" or ",\"lane\":..."). With --json the answer was printed and *answer is NULL. Returns -1 when *answer is there
 * (tools_json_close it), else the exit code. `usage` as above.
 */
struct isthmus_view {
    const char *socket, *config;
    bool json;
};
int isthmus_ask(struct tools_json_doc **answer, const struct isthmus_view *view, const char *command,
                const char *extra);
/* The options of a view that takes no argument. -1: go on. */
int isthmus_view_options(struct isthmus_view *view, const char *usage, int argc, char **argv);

/* Fields of an answer, for printing: "-" or 0 when they are not there. The text ends with a zero byte and lives as long as
 * the answer. */
const char *isthmus_text(const struct tools_json *object, const char *key);
uint64_t isthmus_number(const struct tools_json *object, const char *key);

/* ": operator x", ": source y" or ": relay z" for a LOG of an answer that waits for one; "" otherwise. */
struct isthmus_waits_for {
    char text[96];
};
struct isthmus_waits_for isthmus_waits_for(const struct tools_json *log);
/* True for a log that has a cause to wait. */
bool isthmus_waits(const struct tools_json *log);

/* ---- key files (keys.c) --------------------------------------------------------------------------------------------- */

/* A passphrase, read once: a descriptor gives it only once. */
struct isthmus_passphrase {
    uint8_t text[EDGE_PASSPHRASE_MAX];
    size_t len; /* 0: none, keys are not encrypted */
};

/* Reads it; `where` as in edge_keyfile_passphrase, NULL: none. False after a message. The caller wipes it. */
bool isthmus_passphrase_read(struct isthmus_passphrase *out, const char *where);

/* Makes a key file with a fresh secret. ISTHMUS_OK, or another exit code after a message. */
int isthmus_key_create(struct edge_keyfile *out, const char *path, enum proof_suite suite,
                       const struct isthmus_passphrase *passphrase, bool cheap);
/* As the network document writes it: an address, 32 bytes, or a point. */
void isthmus_key_text(char out[131], const struct proof_key *key);

/* Writes a new text file; false with a message when it exists or cannot be written. mode: of the file. */
bool isthmus_write_new(const char *path, const char *text, unsigned mode);

#endif
