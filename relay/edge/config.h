/*
 * Configuration: the local YAML of one relay, and the network document that all relays share (docs/operator.md shows both).
 *
 * Local YAML holds addresses, budgets and keys, and nothing that two relays must agree on. Loading never stops at the first
 * error: every problem is listed with file, line, column, path and what to do. Bounded: a file has at most 4 MiB, 200,000
 * nodes and 16 levels; aliases, anchors, tags, duplicate and unknown keys are refused.
 */
#ifndef ISTHMUS_RELAY_EDGE_CONFIG_H
#define ISTHMUS_RELAY_EDGE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "topology/network.h"

enum {
    CONFIG_FILE_MAX = 4 << 20, /* bytes */
    CONFIG_PROBLEMS_MAX = 100, /* kept; the rest is only counted */
    CONFIG_ROOTS_MAX = 16,
    CONFIG_OPTIONS_MAX = 64,
    CONFIG_READABLE_MAX = 16,
    CONFIG_SIGNER_KEYS_MAX = 4 /* one a suite */
};

/* One thing that is wrong. line and column from 1; 0 when the whole file is meant. */
struct config_problem {
    char file[256];
    unsigned line, column;
    char path[96]; /* "sources[1].program"; empty at the top */
    char text[256];
};

struct config_problems {
    struct config_problem items[CONFIG_PROBLEMS_MAX]; /* ascending by file order and line */
    size_t len;
    size_t total; /* may be greater than len */
};

/* ---- one relay's own file ------------------------------------------------------------------------------------------ */
/* Texts belong to the struct config_relay (config_relay_free). Paths are absolute, or relative to the working folder where
 * the YAML file's own path was: a path in the file is taken relative to the file's folder. */

enum config_log_level {
    CONFIG_LOG_DEBUG,
    CONFIG_LOG_INFO,
    CONFIG_LOG_WARNING,
    CONFIG_LOG_ALARM
}; /* as enum relay_level */

struct config_root { /* a root key that this relay trusts; the document's own roots must be exactly these */
    char *name;
    uint8_t key[32]; /* Ed25519 */
};

struct config_listen { /* one publishing socket for each neighbour zone, one's own included where it has other relays */
    char *zone;
    char *url; /* tls+tcp://host:port, tcp:// (only with dev), or ipc:///path */
};

struct config_peer { /* where a linked relay is reached */
    char *relay;
    char *publish; /* URL of its publishing socket for our zone */
    char *request; /* URL of its request socket */
};

struct config_option { /* handed to the connector as it is */
    char *name;
    char *value;
};

struct config_source {                               /* one RPC endpoint behind one connector process */
    char *chain;                                     /* CAIP-2, as in the network document */
    char *name;                                      /* unique here */
    char *operator_tag, *network_tag, *software_tag; /* who runs it, where, what: agreement counts distinct ones */
    char *program;
    bool program_hash_given;
    uint8_t program_hash[32]; /* BLAKE2b-256 of the program's file */
    bool submits;
    char *readable[CONFIG_READABLE_MAX]; /* what the connector may read besides: files, or folders with all below */
    size_t readable_len;
    struct config_option *options;
    size_t options_len;
};

struct config_trust { /* the first header of a light client: what an operator checked by other means */
    char *chain;      /* CAIP-2 */
    uint64_t height;
    uint8_t hash[32]; /* of the header */
};

struct config_relay {
    char *path;    /* of this file */
    char *folder;  /* of this file: "." when the path has none */
    char *relay;   /* name in the network document */
    char *network; /* path of the network document; its signatures lie beside it in <path>.sig */
    char *store;   /* folder */
    char *state;   /* folder of small files: counters, generated secrets */
    char *control_socket;
    uint32_t control_mode; /* 0600 .. 0666 octal; default 0660 */
    struct config_http {
        char *listen;     /* address:port in numbers; NULL: no HTTP */
        uint32_t stall_s; /* a chain whose newest height stands still for longer is not ready; default 120 */
    } http;
    char *key_file;       /* the relay's Ed25519 key, relay/edge/keyfile.h */
    char *key_passphrase; /* path of a file whose first line opens it; NULL: the key file is not encrypted */
    struct config_root *roots;
    size_t roots_len;
    char *tls_certificate, *tls_key, *tls_ca; /* paths; NULL all three when only ipc:// is used */
    struct config_listen *listen;
    size_t listen_len;
    char *request_url; /* where this relay answers requests */
    struct config_peer *peers;
    size_t peers_len;
    struct config_signer {
        bool present;
        char *keys[CONFIG_SIGNER_KEYS_MAX]; /* key files, one a suite */
        size_t keys_len;
        char *passphrase; /* path of a file, as above; NULL: not encrypted */
        char *guard;      /* folder of the I7 guard */
    } signer;
    struct config_source *sources;
    size_t sources_len;
    struct config_trust *trust; /* one a chain; relay and signer begin with it */
    size_t trust_len;
    struct config_budgets {
        uint64_t attester_bytes;   /* claims per (lane, attester); 0: the lane's window */
        uint64_t queue_bytes;      /* frames in memory per peer, in and out; default 64 MiB */
        uint64_t cache_bytes;      /* block cache of the store; default 64 MiB */
        uint64_t free_bytes;       /* stop accepting when the disk has less; default 256 MiB */
        uint64_t history_messages; /* settled ones a lane whose digest and outcome stay; default 1,000,000 */
        uint64_t evidence_files;   /* refused evidence that is kept, each a file; default 64, 0 none */
        uint64_t evidence_bytes;   /* … all together; default 64 MiB */
    } budgets;
    struct config_timings {
        uint32_t heartbeat_ms;    /* default 1000 */
        uint32_t pull_wait_ms;    /* default 150 */
        uint32_t peer_silence_ms; /* default 5000 */
        uint32_t turn_blocks;     /* destination blocks; default 4 */
    } timings;
    enum config_log_level log_level;
    bool verify_forwarded;
    bool dev;        /* permits 1-of-1 and tcp://; also set by isthmusd --dev, after the file was read */
    bool dev_option; /* isthmusd --dev was given: no field of the file */
};

/*
 * Reads a local file. Returns true when it is good. Otherwise false, with every problem added to `problems` (which the
 * caller zeroes first). *relay is zeroed or filled; free it in either case.
 */
bool config_relay_load(struct config_relay *relay, const char *path, struct config_problems *problems);
void config_relay_free(struct config_relay *relay);

/*
 * Calls `differs` for each field in which two files of a relay differ, with its path, "sources[1].program_hash" ("sources" where
 * there are more or fewer of them). live: a running relay takes it over when it reads its file again.
 */
void config_relay_differ(const struct config_relay *old, const struct config_relay *new,
                         void (*differs)(void *context, const char *path, bool live), void *context);

/* True for options called …-file: their value is a path, and the connector may read what lies there. */
bool config_option_names_file(const struct config_option *option);

/*
 * Reads a network document into *network: schema, topology_network_check and topology_network_index. Signatures are
 * config_network_accept's business. NULL with problems listed otherwise; free it with topology_network_free.
 */
struct topology_network *config_network_load(const char *path, struct config_problems *problems);

/* The same from memory; `name` stands for the file in problems. */
struct topology_network *config_network_read(const char *name, const void *text, size_t len,
                                             struct config_problems *problems);

/*
 * Loads relay->network, checks that its roots are exactly relay->roots and that every side's root signed it
 * (topology/signature.h; signatures in <document>.sig), and that `relay` fits it: its name, its zones, peers that are
 * linked, chains, sources enough for what the chain demands. NULL with problems listed otherwise.
 */
struct topology_network *config_network_accept(const struct config_relay *relay, struct config_problems *problems);

/* Adds a problem at a path of the relay's file, such as "signer.keys[0]", with its line as far as the file is still there. */
__attribute__((format(printf, 4, 5))) void config_relay_say(const struct config_relay *relay,
                                                            struct config_problems *problems, const char *path,
                                                            const char *format, ...);

/* Writes "file:line:column: path: text" for each problem, one a line. */
void config_problems_print(const struct config_problems *problems, FILE *stream);

#endif
